/** Starts threads that evaluate, ends each in the middle, and computes on its own meanwhile. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as mx from "@abstractllm/mlx/core";

const rounds = Number(process.argv[2]);
const start = mx.getActiveMemory();
for (let i = 0; i < rounds; i++) {
  const worker = new Worker(new URL("busy-worker.mjs", import.meta.url));
  await once(worker, "message");
  // from the first evaluation to a few milliseconds later
  for (let j = 0; j < i; j++) mx.tidy(() => mx.sum(mx.ones([64, 64])).item());
  await worker.terminate();
  const sum = mx.tidy(() => mx.sum(mx.ones([100])).item());
  if (sum !== 100) throw new Error(`round ${i}: ${sum}`);
}
process.stdout.write(JSON.stringify({ leakedBytes: mx.getActiveMemory() - start }));
