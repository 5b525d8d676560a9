/** process.exit() while a thread evaluates and while this thread has work in flight. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as mx from "@abstractllm/mlx/core";

const worker = new Worker(new URL("busy-worker.mjs", import.meta.url));
await once(worker, "message");
const a = mx.random.normal([512, 512]);
mx.asyncEvaluate(mx.softmax(mx.matmul(a, mx.matmul(a, a))));
process.exit(7);
