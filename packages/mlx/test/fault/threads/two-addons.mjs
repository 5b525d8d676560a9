/** Two copies of the addon file in one process, as two versions of a package would bring: main-and-two-addons.mjs <copy>. */
import { createRequire } from "node:module";
import * as mx from "@abstractllm/mlx/core";

const addon = createRequire(import.meta.url)(process.argv[2]);
addon.configure(new Float64Array(8), (code, op, message) =>
  Object.assign(new Error(`${op}: ${message}`), { code }),
);

const theirs = [addon.ones([10], 10), addon.ones([20], 10)];
const ours = mx.ones([30]);
addon.eval([...theirs]);
mx.evaluate(ours);
addon.release(theirs[0]);
let code;
try {
  addon.shape(theirs[0]);
} catch (error) {
  code = error.code;
}
const sums = [addon.item(addon.sum(theirs[1], undefined, false)), mx.sum(ours).item()];
const live = [addon.liveArrays(), mx.liveArrays()];
let tooLarge;
try {
  addon.eval([addon.zeros([2 ** 30, 2 ** 20], 10)]);
} catch (error) {
  tooLarge = error.code;
}
process.stdout.write(JSON.stringify({ sums, code, live, tooLarge }));
