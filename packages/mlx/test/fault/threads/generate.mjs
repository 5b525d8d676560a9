/** Generates until told to stop: generate.mjs <model> <isolation> <die | dispose>. Says "generating" once it does. */
import { startEngine } from "@abstractllm/mlx/engine";

const [path = "", isolation, ending] = process.argv.slice(2);
const engine = await startEngine({
  device: "cpu",
  isolation: isolation === "process" ? "process" : "worker",
});
const model = await engine.load({ path });
const abort = new AbortController();
if (ending === "dispose") {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => abort.abort());
}
let isAnnounced = false;
try {
  const request = { prompt: "Once upon a time", maxTokens: 8000, ignoreEos: true };
  for await (const part of model.generate(request, { signal: abort.signal })) {
    if (isAnnounced || part.type !== "text-delta") continue;
    isAnnounced = true;
    process.stdout.write("generating\n");
  }
} catch (error) {
  process.stdout.write(`${error.code}\n`);
  await engine.dispose();
  process.stdout.write("disposed\n");
}
