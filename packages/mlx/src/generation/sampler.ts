/** From log-probabilities to a token, in mlx-lm's order: top-p, min-p, top-k, then a draw. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";

/** Log-probabilities `[1, V]` to a token `[1]`. */
export interface Sampler {
  sample(logprobs: MxArray): MxArray;
  dispose(): void;
}

const REMOVED = Number.NEGATIVE_INFINITY;

/** Keeps the smallest set of likeliest tokens whose probabilities reach `topP`. */
export const applyTopP = (logprobs: MxArray, topP: number): MxArray => {
  const sorted = mx.sort(logprobs, -1);
  const probabilities = mx.exp(sorted.astype(mx.float32));
  const massAbove = mx.cumsum(probabilities, -1, true, false);
  const total = mx.index(massAbove, "...", [0, 1]).add(mx.index(probabilities, "...", [0, 1]));
  const dropped = mx.sum(mx.greaterEqual(massAbove, total.multiply(topP)).astype(mx.int32), -1, true);
  const threshold = mx.takeAlongAxis(sorted, dropped, -1);
  return mx.where(mx.less(logprobs, threshold), REMOVED, logprobs);
};

/** Keeps tokens at least `minP` times as likely as the likeliest. */
export const applyMinP = (logprobs: MxArray, minP: number): MxArray => {
  const threshold = mx.max(logprobs, -1, true).add(Math.log(minP));
  return mx.where(mx.less(logprobs, threshold), REMOVED, logprobs);
};

/** Keeps the `topK` likeliest tokens. */
export const applyTopK = (logprobs: MxArray, topK: number): MxArray => {
  const order = mx.argpartition(mx.negative(logprobs), topK - 1, -1);
  return mx.putAlongAxis(logprobs, mx.index(order, "...", [topK]), REMOVED, -1);
};

const greedy: Sampler = {
  sample: (logprobs) => mx.argmax(logprobs, -1),
  dispose: () => {},
};

/** Draws with its own random key, so that requests don't disturb each other. */
class RandomSampler implements Sampler {
  readonly #options: Required<Pick<SamplingOptions, "temperature" | "topP" | "minP" | "topK">>;
  #key: MxArray;

  constructor(options: SamplingOptions, seed: number) {
    const { temperature = 0, topP = 1, minP = 0, topK = 0 } = options;
    this.#options = { temperature, topP, minP, topK };
    this.#key = mx.keep(mx.random.key(seed));
  }

  sample(logprobs: MxArray): MxArray {
    const { temperature, topP, minP, topK } = this.#options;
    let kept = logprobs;
    if (topP > 0 && topP < 1) kept = applyTopP(kept, topP);
    if (minP > 0) kept = applyMinP(kept, minP);
    if (topK > 0 && topK < logprobs.dim(-1)) kept = applyTopK(kept, topK);
    return mx.random.categorical(kept.multiply(1 / temperature), -1, this.#nextKey());
  }

  #nextKey(): MxArray {
    const keys = mx.random.splitKey(this.#key, 2);
    this.#key = mx.replace(this.#key, mx.index(keys, 0));
    return mx.index(keys, 1);
  }

  dispose(): void {
    this.#key.dispose();
  }
}

/** The sampler that the options ask for; temperature 0 is greedy and ignores the rest. */
export const createSampler = (options: SamplingOptions): Sampler =>
  (options.temperature ?? 0) === 0
    ? greedy
    : new RandomSampler(options, options.seed ?? Math.floor(Math.random() * 2 ** 32));
