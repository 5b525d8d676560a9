/** The same computation on this thread and on four others, at once and several times; prints what each got. */
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import * as mx from "@abstractllm/mlx/core";

const compute = () => {
  const results = [];
  for (let i = 0; i < 20; i++) {
    results.push(
      mx.tidy(() => {
        const a = mx.random.normal([96, 96], mx.float32, 0, 1, mx.random.key(i));
        return mx.sum(mx.abs(mx.softmax(mx.matmul(a, a)))).item() + mx.max(a).item();
      }),
    );
  }
  return results;
};

if (isMainThread) {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url)));
  const others = workers.map(
    (worker) =>
      new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      }),
  );
  const own = compute();
  process.stdout.write(JSON.stringify([own, ...(await Promise.all(others))]));
} else {
  parentPort?.postMessage(compute());
}
