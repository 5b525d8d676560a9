/** Changes to the logits before sampling, by what was said so far. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";

/** Logits in, logits out; remembers tokens. Logits are `[1, V]`, tokens `[1]`. */
export interface LogitsProcessor {
  apply(logits: MxArray): MxArray;
  /** Told of every sampled token, in order. */
  observe(token: MxArray): void;
  dispose(): void;
}

/** Adds a fixed value to some logits. */
class LogitBias implements LogitsProcessor {
  readonly #ids: MxArray;
  readonly #values: MxArray;

  constructor(bias: Readonly<Record<number, number>>) {
    const entries = Object.entries(bias);
    this.#ids = mx.keep(mx.array([entries.map(([id]) => Number(id))], mx.int32));
    this.#values = mx.keep(mx.array([entries.map(([, value]) => value)], mx.float32));
  }

  apply(logits: MxArray): MxArray {
    return mx.scatterAddAxis(logits, this.#ids, this.#values.astype(logits.dtype), -1);
  }

  observe(): void {
    // the bias does not depend on tokens
  }

  dispose(): void {
    this.#ids.dispose();
    this.#values.dispose();
  }
}

/** Makes recent tokens less likely, whichever sign their logit has. @see https://arxiv.org/abs/1909.05858 */
class RepetitionPenalty implements LogitsProcessor {
  readonly #penalty: number;
  readonly #contextSize: number;
  #recent: MxArray; // [1, n]

  constructor(penalty: number, contextSize: number, prompt: readonly number[]) {
    this.#penalty = penalty;
    this.#contextSize = contextSize;
    this.#recent = mx.keep(mx.array([prompt.slice(-contextSize)], mx.int32));
  }

  apply(logits: MxArray): MxArray {
    const chosen = mx.takeAlongAxis(logits, this.#recent, -1);
    const penalized = mx.where(
      mx.less(chosen, 0),
      chosen.multiply(this.#penalty),
      chosen.divide(this.#penalty),
    );
    return mx.putAlongAxis(logits, this.#recent, penalized, -1);
  }

  observe(token: MxArray): void {
    const longer = mx.concatenate([this.#recent, mx.reshape(token.astype(mx.int32), [1, 1])], 1);
    const surplus = longer.dim(1) - this.#contextSize;
    this.#recent = mx.replace(this.#recent, surplus > 0 ? mx.index(longer, [], [surplus]) : longer);
  }

  dispose(): void {
    this.#recent.dispose();
  }
}

/** OpenAI's presence and frequency penalties, over the tokens generated so far. */
class CountPenalty implements LogitsProcessor {
  readonly #presence: number;
  readonly #frequency: number;
  #counts: MxArray; // [1, V]

  constructor(presence: number, frequency: number, vocabSize: number) {
    this.#presence = presence;
    this.#frequency = frequency;
    this.#counts = mx.keep(mx.zeros([1, vocabSize]));
  }

  apply(logits: MxArray): MxArray {
    const present = mx.greater(this.#counts, 0).astype(mx.float32).multiply(this.#presence);
    return logits.subtract(present.add(this.#counts.multiply(this.#frequency)).astype(logits.dtype));
  }

  observe(token: MxArray): void {
    const id = mx.reshape(token.astype(mx.int32), [1, 1]);
    this.#counts = mx.replace(this.#counts, mx.scatterAddAxis(this.#counts, id, mx.ones([1, 1]), -1));
  }

  dispose(): void {
    this.#counts.dispose();
  }
}

/** The processors that the options ask for, in mlx-lm's order: bias, repetition, presence and frequency. */
export const createLogitsProcessors = (
  options: SamplingOptions,
  prompt: readonly number[],
  vocabSize: number,
): LogitsProcessor[] => {
  const processors: LogitsProcessor[] = [];
  const { logitBias = {}, repetitionPenalty = 1, repetitionContextSize = 20 } = options;
  const { presencePenalty = 0, frequencyPenalty = 0 } = options;
  if (Object.keys(logitBias).length > 0) processors.push(new LogitBias(logitBias));
  if (repetitionPenalty !== 1 && repetitionContextSize > 0) {
    const words = prompt.filter((id) => id >= 0 && id < vocabSize); // what stands for images may have no logit
    processors.push(new RepetitionPenalty(repetitionPenalty, repetitionContextSize, words));
  }
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    processors.push(new CountPenalty(presencePenalty, frequencyPenalty, vocabSize));
  }
  return processors;
};
