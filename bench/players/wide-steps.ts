/** Times steps of one sequence with several new positions on the calling thread, as guesses are checked. */
import * as mx from "@abstractllm/mlx/core";
import { importLoad } from "../support/engine-internals.ts";
import { readJob, writeReport } from "../support/run-player.ts";

export interface WideStepsJob {
  modelPath: string;
  threads: number;
  /** Tokens before the new ones. */
  context: number;
  positions: readonly number[];
  steps: number;
}

/** Milliseconds of each step, for each number of positions. */
export type WideStepsReport = number[][];

const WARM_UP = 3;

const { modelPath, threads, context, positions, steps } = readJob<WideStepsJob>();
mx.setDefaultDevice("cpu");
mx.setThreads(threads);
const { loadModel } = await importLoad();
const { model } = await loadModel(modelPath, { device: "cpu" });
const cache = model.makeCache();
mx.tidy(() => {
  model.forward(mx.zeros([1, context], mx.int32), { cache });
  mx.evaluate(cache.map((layer) => layer.state()));
});

const timed = (count: number): number => {
  const start = performance.now();
  mx.tidy(() => {
    const logits = model.forward(mx.zeros([1, count], mx.int32), { cache });
    mx.evaluate(mx.argmax(logits, -1));
  });
  for (const layer of cache) layer.trim(count);
  return performance.now() - start;
};

const report: WideStepsReport = positions.map(() => []);
for (let step = -WARM_UP; step < steps; step++) {
  for (const [i, count] of positions.entries()) {
    const ms = timed(count);
    if (step >= 0) report[i]?.push(ms);
  }
}
writeReport(report);
