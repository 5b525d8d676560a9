/** From logits to a token, in mlx-lm's order: top-p, min-p, top-k, then a draw. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";

/** Logits `[1, V]`, normalised or not, to a token `[1]`. */
export interface Sampler {
  /** Takes the likeliest token, whatever came before. */
  readonly isGreedy: boolean;
  sample(logits: MxArray): MxArray;
  /** One that draws the same from the same logits from here on. */
  fork(): Sampler;
  dispose(): void;
}

const REMOVED = Number.NEGATIVE_INFINITY;

/** Keeps tokens at least `minP` times as likely as the likeliest. */
const applyMinP = (logits: MxArray, minP: number): MxArray => {
  const threshold = mx.max(logits, -1, true).add(Math.log(minP));
  return mx.where(mx.less(logits, threshold), REMOVED, logits);
};

/** Keeps the `topK` likeliest tokens. */
const applyTopK = (logits: MxArray, topK: number): MxArray => {
  const order = mx.argpartition(mx.negative(logits), topK - 1, -1);
  return mx.putAlongAxis(logits, mx.index(order, "...", [topK]), REMOVED, -1);
};

const greedy: Sampler = {
  isGreedy: true,
  sample: (logits) => mx.argmax(logits, -1),
  fork: () => greedy,
  dispose: () => {},
};

/** Draws with its own random key, so that requests don't disturb each other. */
class RandomSampler implements Sampler {
  readonly isGreedy = false;
  readonly #options: Required<Pick<SamplingOptions, "temperature" | "topP" | "minP" | "topK">>;
  #key: MxArray;

  /** @param key - taken over */
  constructor(options: SamplingOptions, key: MxArray) {
    const { temperature = 0, topP = 1, minP = 0, topK = 0 } = options;
    this.#options = { temperature, topP, minP, topK };
    this.#key = mx.keep(key);
  }

  sample(logits: MxArray): MxArray {
    const { temperature, topP, minP, topK } = this.#options;
    let kept = logits;
    if (topP > 0 && topP < 1) kept = mx.fast.topP(kept, topP);
    if (minP > 0) kept = applyMinP(kept, minP);
    if (topK > 0 && topK < logits.dim(-1)) kept = applyTopK(kept, topK);
    return mx.random.categorical(kept.multiply(1 / temperature), -1, this.#nextKey());
  }

  #nextKey(): MxArray {
    const keys = mx.random.splitKey(this.#key, 2);
    this.#key = mx.replace(this.#key, mx.index(keys, 0));
    return mx.index(keys, 1);
  }

  fork(): RandomSampler {
    return new RandomSampler(this.#options, mx.share(this.#key));
  }

  dispose(): void {
    this.#key.dispose();
  }
}

/** Logits divided by less could leave float32, and the draw would be the likeliest token anyway. */
const COLDEST = 1e-6;

/** The sampler that the options ask for; temperature 0 is greedy and ignores the rest. */
export const createSampler = (options: SamplingOptions): Sampler =>
  (options.temperature ?? 0) < COLDEST
    ? greedy
    : new RandomSampler(options, mx.random.key(options.seed ?? Math.floor(Math.random() * 2 ** 32)));
