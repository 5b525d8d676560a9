/** A thread that says when it starts evaluating and then evaluates for ever. */
import { parentPort } from "node:worker_threads";
import * as mx from "@abstractllm/mlx/core";

const step = () =>
  mx.tidy(() => {
    const a = mx.random.normal([256, 256]);
    mx.evaluate(mx.sum(mx.exp(mx.softmax(mx.matmul(a, a)))));
  });
step();
parentPort?.postMessage("evaluating");
for (;;) step();
