/** Changes to the logits before sampling, by what was said so far. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";

/** Logits in, logits out; remembers tokens. Logits are `[1, V]`, tokens `[1]`. */
export interface LogitsProcessor {
  apply(logits: MxArray): MxArray;
  /** Told of every sampled token, in order. */
  observe(token: MxArray): void;
  /** One that remembers the same, to be told of other tokens. */
  fork(): LogitsProcessor;
  dispose(): void;
}

/** Adds a fixed value to some logits. */
class LogitBias implements LogitsProcessor {
  readonly #ids: MxArray;
  readonly #values: MxArray;

  /** @param ids - `[1, n]`, with as many `values`; taken over */
  constructor(ids: MxArray, values: MxArray) {
    this.#ids = mx.keep(ids);
    this.#values = mx.keep(values);
  }

  static of(bias: Readonly<Record<number, number>>): LogitBias {
    const entries = Object.entries(bias);
    return new LogitBias(
      mx.array([entries.map(([id]) => Number(id))], mx.int32),
      mx.array([entries.map(([, value]) => value)], mx.float32),
    );
  }

  apply(logits: MxArray): MxArray {
    return mx.scatterAddAxis(logits, this.#ids, this.#values.astype(logits.dtype), -1);
  }

  observe(): void {
    // the bias does not depend on tokens
  }

  fork(): LogitBias {
    return new LogitBias(mx.share(this.#ids), mx.share(this.#values));
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

  /** @param recent - `[1, n]`, at most `contextSize` tokens; taken over */
  constructor(penalty: number, contextSize: number, recent: MxArray) {
    this.#penalty = penalty;
    this.#contextSize = contextSize;
    this.#recent = mx.keep(recent);
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

  fork(): RepetitionPenalty {
    return new RepetitionPenalty(this.#penalty, this.#contextSize, mx.share(this.#recent));
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

  /** @param counts - of each token, `[1, V]`; taken over */
  constructor(presence: number, frequency: number, counts: MxArray) {
    this.#presence = presence;
    this.#frequency = frequency;
    this.#counts = mx.keep(counts);
  }

  apply(logits: MxArray): MxArray {
    const present = mx.greater(this.#counts, 0).astype(mx.float32).multiply(this.#presence);
    return logits.subtract(present.add(this.#counts.multiply(this.#frequency)).astype(logits.dtype));
  }

  observe(token: MxArray): void {
    const id = mx.reshape(token.astype(mx.int32), [1, 1]);
    this.#counts = mx.replace(this.#counts, mx.scatterAddAxis(this.#counts, id, mx.ones([1, 1]), -1));
  }

  fork(): CountPenalty {
    return new CountPenalty(this.#presence, this.#frequency, mx.share(this.#counts));
  }

  dispose(): void {
    this.#counts.dispose();
  }
}

/** Rules out what would repeat `size` tokens in a row, what an answer starts with included. */
export class NoRepeatedRuns implements LogitsProcessor {
  readonly #size: number;
  #said: MxArray; // [n]

  /**
   * @param size - at least 1
   * @param said - int32 `[n]`; taken over
   */
  constructor(size: number, said: MxArray) {
    this.#size = size;
    this.#said = mx.keep(said);
  }

  apply(logits: MxArray): MxArray {
    const n = this.#said.dim(0);
    const runs = n - this.#size + 1;
    if (runs < 1) return logits;
    const [before, ends] = [this.#size - 1, mx.slice(this.#said, [n - runs], [n])];
    // of each run so far: whether all its tokens but the last are those said last
    const isBegun = Array.from({ length: before }, (_, i) =>
      mx.equal(
        mx.slice(this.#said, [i], [i + runs]),
        mx.slice(this.#said, [n - before + i], [n - before + i + 1]),
      ),
    ).reduce((all, same) => mx.logicalAnd(all, same), mx.ones([runs], mx.bool_));
    const penalties = mx.where(isBegun, Number.NEGATIVE_INFINITY, 0).astype(logits.dtype);
    return mx.scatterAddAxis(logits, mx.expandDims(ends, 0), mx.expandDims(penalties, 0), -1);
  }

  observe(token: MxArray): void {
    this.#said = mx.replace(this.#said, mx.concatenate([this.#said, token.astype(mx.int32)]));
  }

  fork(): NoRepeatedRuns {
    return new NoRepeatedRuns(this.#size, mx.share(this.#said));
  }

  dispose(): void {
    this.#said.dispose();
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
  if (Object.keys(logitBias).length > 0) processors.push(LogitBias.of(logitBias));
  if (repetitionPenalty !== 1 && repetitionContextSize > 0) {
    const words = prompt.filter((id) => id >= 0 && id < vocabSize); // what stands for images may have no logit
    const recent = mx.array([words.slice(-repetitionContextSize)], mx.int32);
    processors.push(new RepetitionPenalty(repetitionPenalty, repetitionContextSize, recent));
  }
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    processors.push(new CountPenalty(presencePenalty, frequencyPenalty, mx.zeros([1, vocabSize])));
  }
  return processors;
};
