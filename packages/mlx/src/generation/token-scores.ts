/** How likely the model held the tokens of one request. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** A token, and the logarithm of the probability that the model gave it. */
export interface ScoredId {
  readonly id: number;
  readonly logprob: number;
}

/** A token with those that the model held likeliest in its place. */
export interface ScoredToken extends ScoredId {
  /** The likeliest first. */
  readonly likeliest: readonly ScoredId[];
}

/** Scores that are being computed: of each token its own, then those of the likeliest. */
interface PendingScores {
  /** int32 `[L, 1 + n]` */
  readonly ids: MxArray;
  /** float32 `[L, 1 + n]` */
  readonly logprobs: MxArray;
}

/**
 * Collects log probabilities as the model gave them: a log softmax in float32 of its logits, before penalties, constraints,
 * temperature and what sampling leaves out.
 */
export class TokenScores {
  readonly #alternatives: number;
  #pending: PendingScores[] = [];

  /** @param alternatives - how many of the likeliest tokens each one comes with */
  constructor(alternatives: number) {
    this.#alternatives = alternatives;
  }

  /**
   * Adds the scores of tokens, computed when they are.
   *
   * @param logits - `[L, V]`, as the model gave them
   * @param tokens - `[L]`
   * @returns the same tokens, which bring their scores with them when they are evaluated
   */
  add(logits: MxArray, tokens: MxArray): MxArray {
    const { ids, logprobs } = scoresOf(logits, tokens, this.#alternatives);
    this.#pending.push({ ids: mx.keep(ids), logprobs: mx.keep(logprobs) });
    const [scored = tokens] = mx.depends([tokens], [ids, logprobs]);
    return scored;
  }

  /** The scores that were added first of those that are still there, one for each of their tokens; waits for them. */
  take(): ScoredToken[] {
    const pending = this.#pending.shift();
    if (pending === undefined) throw new Error("take() of scores that were not added");
    const { ids, logprobs } = pending;
    const width = ids.dim(1);
    const [idList, values] = [numbersOf(ids), numbersOf(logprobs)];
    free(pending);
    const at = (i: number): ScoredId => ({ id: idList[i] ?? Number.NaN, logprob: values[i] ?? Number.NaN });
    return Array.from({ length: idList.length / width }, (_, row) => ({
      ...at(row * width),
      likeliest: Array.from({ length: width - 1 }, (_, i) => at(row * width + 1 + i)),
    }));
  }

  /** All scores that are still there. */
  takeAll(): ScoredToken[] {
    return Array.from({ length: this.#pending.length }, () => this.take()).flat();
  }

  /** Frees those that nobody took. */
  clear(): void {
    for (const pending of this.#pending.splice(0)) free(pending);
  }
}

const numbersOf = (array: MxArray): number[] => Array.from(array.toTypedArray(), Number);

const free = ({ ids, logprobs }: PendingScores): void => {
  ids.dispose();
  logprobs.dispose();
};

const scoresOf = (logits: MxArray, tokens: MxArray, alternatives: number): PendingScores => {
  const exact = logits.astype(mx.float32); // [L, V]
  const own = mx.expandDims(tokens.astype(mx.int32), -1); // [L, 1]
  const count = Math.min(alternatives, exact.dim(-1));
  const ids = count === 0 ? own : mx.concatenate([own, likeliestIds(exact, count)], -1);
  const logprobs = mx.takeAlongAxis(exact, ids, -1).subtract(mx.logsumexp(exact, -1, true));
  return { ids, logprobs };
};

/** Ids of the `count` largest logits `[L, V]` of each row, the largest first: int32 `[L, count]`. */
const likeliestIds = (logits: MxArray, count: number): MxArray => {
  const descending = mx.negative(logits);
  if (count === logits.dim(-1)) return mx.argsort(descending, -1).astype(mx.int32);
  const all = mx.argpartition(descending, count - 1, -1);
  const ids = mx.slice(all, [0, 0], [logits.dim(0), count]);
  const order = mx.argsort(mx.takeAlongAxis(descending, ids, -1), -1);
  return mx.takeAlongAxis(ids, order, -1).astype(mx.int32);
};
