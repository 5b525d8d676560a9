/** Times building the graph of decode steps in TypeScript; the twin of oracle/measure_host_overhead.py. */
import * as mx from "@abstractllm/mlx/core";
import { importLoad } from "../support/engine-internals.ts";
import { readJob, writeReport } from "../support/run-player.ts";

export interface OverheadJob {
  modelPath: string;
  steps: number;
  warmUp: number;
}

const PROMPT_LENGTH = 16;

const { modelPath, steps, warmUp } = readJob<OverheadJob>();
const { loadModel } = await importLoad();
const { model } = await loadModel(modelPath, { device: "cpu" });
const cache = model.makeCache();

/** The most likely token after the last position: forward and argmax, unevaluated. */
const step = (tokens: mx.MxArray): mx.MxArray =>
  mx.tidy(() => mx.argmax(mx.index(model.forward(tokens, { cache }), [], -1), -1));

const prompt = Array.from({ length: PROMPT_LENGTH }, (_, i) => i);
let token = step(mx.array([prompt], mx.int32));
mx.evaluate(token);
const timesMs: number[] = [];
for (let i = 0; i < warmUp + steps; i++) {
  const start = performance.now();
  const next = mx.tidy(() => step(mx.reshape(token, [1, 1])));
  token.dispose();
  timesMs.push(performance.now() - start);
  token = next;
  mx.evaluate(token); // between the measurements, as in Python
}
writeReport({ timesMs: timesMs.slice(warmUp) });
