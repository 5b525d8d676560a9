/** Times decode steps of one model on the calling thread, without an engine around it. */
import * as mx from "@abstractllm/mlx/core";
import type { LanguageModel } from "@abstractllm/mlx/models";
import { importLoad } from "../support/engine-internals.ts";
import { readJob, writeReport } from "../support/run-player.ts";
import { bytesPerToken, createShape } from "./shapes.ts";

export interface DecodeJob {
  device: mx.Device;
  /** A file, or else the configuration of a model with random weights. */
  modelPath?: string;
  config?: Readonly<Record<string, unknown>>;
  threads: number;
  steps: number;
  /** What is measured: positions already in the cache, with contents of no meaning, and sequences that go on together. */
  cases: readonly { context: number; batch: number }[];
  /** Tokens of a prompt that is timed as well. Default none. */
  prompt?: number;
}

export interface DecodeTiming {
  context: number;
  batch: number;
  /** Per step, all sequences together, the next step's graph built while the last one runs. */
  stepMs: number;
  /** Building a step's graph, and computing it, one after the other. */
  buildMs: number;
  evaluateMs: number;
  /** Handing a step's graph to the device, which then computes by itself. */
  startMs: number;
  /** Keys and values that a step reads. */
  cacheBytes: number;
}

export interface DecodeReport {
  weightBytes: number;
  timings: DecodeTiming[];
  /** From a prompt to the token behind it. */
  promptMs?: number;
}

/** Steps before those that count: the system is still taking back what the case before has freed. */
const WARM_UP = 20;
const PROMPTS = 5;

const job = readJob<DecodeJob>();
mx.setDefaultDevice("cpu");
mx.setThreads(job.threads);

const open = async (): Promise<{ model: LanguageModel; config: Readonly<Record<string, unknown>> }> => {
  const { config, device } = job;
  if (config !== undefined) return { model: await createShape(config, device), config };
  const { loadModel } = await importLoad();
  return { model: (await loadModel(job.modelPath ?? "", { device })).model, config: {} };
};

const { model, config } = await open();

type Cache = ReturnType<LanguageModel["makeCache"]>;

/** A cache with `context` positions of every sequence. */
const filledCache = (context: number, batch: number): Cache => {
  const cache = model.makeCache();
  mx.tidy(() => {
    const tokens = mx.zeros([batch, 1], mx.int32);
    mx.evaluate(model.forward(tokens, { cache }));
  });
  for (const layer of cache) {
    mx.tidy(() => {
      const [keys, values] = layer.state();
      if (keys === undefined || values === undefined || context < 2) return;
      const [B = 1, K = 1, , D = 1] = keys.shape;
      const [, , , valueDim = 1] = values.shape;
      layer.updateAndFetch(
        mx.full([B, K, context - 1, D], 0.01, keys.dtype),
        mx.full([B, K, context - 1, valueDim], 0.01, values.dtype),
      );
      mx.evaluate(layer.state());
    });
  }
  return cache;
};

/** @param run - as whose steps it goes on */
const step = (tokens: mx.MxArray, cache: Cache, run: object): mx.MxArray =>
  mx.keep(mx.tidy(() => mx.reshape(mx.argmax(model.forward(tokens, { cache, run }), -1), [-1, 1])));

const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** One step after the other, so that the parts can be told apart. */
const timeParts = (cache: Cache, first: mx.MxArray): { buildMs: number; evaluateMs: number } => {
  const build: number[] = [];
  const evaluate: number[] = [];
  const run = {};
  let token = first;
  for (let i = 0; i < job.steps; i++) {
    const start = performance.now();
    const next = step(token, cache, run);
    const built = performance.now();
    mx.evaluate(next);
    build.push(built - start);
    evaluate.push(performance.now() - built);
    token.dispose();
    token = next;
  }
  token.dispose();
  return { buildMs: middle(build), evaluateMs: middle(evaluate) };
};

/** As text generation runs: each step is started before the last one's token is read. */
const timeSteps = (cache: Cache, batch: number): { stepMs: number; startMs: number } => {
  const run = {};
  const starts: number[] = [];
  let pending = step(mx.zeros([batch, 1], mx.int32), cache, run);
  let start = 0;
  for (let i = -WARM_UP; i < job.steps; i++) {
    if (i === 0) start = performance.now();
    const next = step(pending, cache, run);
    const built = performance.now();
    mx.asyncEvaluateNext(next);
    if (i >= 0) starts.push(performance.now() - built);
    mx.evaluate(pending);
    pending.dispose();
    pending = next;
  }
  mx.evaluate(pending);
  pending.dispose();
  return { stepMs: (performance.now() - start) / job.steps, startMs: middle(starts) };
};

/** The middle of a few readings of a prompt, the first of which warms up. */
const timePrompt = (tokens: number): number => {
  const times: number[] = [];
  const ids = Int32Array.from({ length: tokens }, (_, i) => i % 1000);
  for (let i = -1; i < PROMPTS; i++) {
    const cache = model.makeCache();
    const start = performance.now();
    mx.tidy(() => {
      const prompt = mx.array(ids, mx.int32, [1, tokens]);
      const before = mx.slice(prompt, [0, 0], [1, tokens - 1]);
      model.forward(before, { cache });
      for (const layer of cache) mx.evaluate(layer.state());
      const token = step(mx.slice(prompt, [0, tokens - 1], [1, tokens]), cache, {});
      mx.evaluate(token);
      token.dispose();
    });
    if (i >= 0) times.push(performance.now() - start);
    for (const layer of cache) layer.dispose();
  }
  return middle(times);
};

/** Of the positions that a layer's cache holds; its buffers have room for more. */
const usedBytes = (layer: Cache[number]): number => {
  const [keys] = layer.state();
  const used = typeof layer.offset === "number" ? layer.offset : Number.NaN;
  return keys === undefined ? 0 : (layer.nbytes * used) / keys.dim(2);
};

const timings: DecodeTiming[] = [];
for (const { context, batch } of job.cases) {
  const cache = filledCache(context, batch);
  const steps = timeSteps(cache, batch);
  const cacheBytes = mx.tidy(() => cache.reduce((sum, layer) => sum + usedBytes(layer), 0));
  timings.push({ context, batch, ...steps, cacheBytes, ...timeParts(cache, mx.zeros([batch, 1], mx.int32)) });
  for (const layer of cache) layer.dispose();
  mx.clearCache();
}
writeReport({
  weightBytes: bytesPerToken(model, config),
  timings,
  ...(job.prompt === undefined ? {} : { promptMs: timePrompt(job.prompt) }),
} satisfies DecodeReport);
