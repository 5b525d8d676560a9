import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import type { ReasoningFormat } from "./reasoning-format.ts";
import { ReasoningWatch } from "./reasoning-watch.ts";

/** How much an answer may reason. */
export interface BudgetOptions {
  /** Most tokens between the marks. */
  readonly limit: number;
  /** Whether a thought may be cut off with `lastWords`. Default true. */
  readonly hasLastWords?: boolean | undefined;
}

/**
 * Ends the reasoning of one answer when its tokens are used up, and keeps it from beginning again. It has to be told of each
 * token before the next one is chosen.
 */
export class ReasoningBudget {
  readonly #format: ReasoningFormat;
  readonly #watch: ReasoningWatch;
  readonly #lastWords: readonly number[];
  /** Tokens of thoughts before the last words. */
  readonly #room: number;
  /** Tokens that have to come next. */
  #closing: number[] = [];
  #isSpent = false;
  #isOver = false;

  /** @param prompt - token ids that the answer goes on from */
  constructor(
    format: ReasoningFormat,
    prompt: readonly number[],
    { limit, hasLastWords = true }: BudgetOptions,
  ) {
    this.#format = format;
    this.#watch = new ReasoningWatch(format, prompt);
    // last words are not to be most of what is said
    this.#lastWords = hasLastWords && limit >= 2 * format.lastWords.length ? format.lastWords : [];
    this.#room = limit - this.#lastWords.length;
    this.#close();
  }

  /** Whether it has no more say in what comes next, nor needs to be told of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether any token may come next, so that `apply` leaves logits as they are. */
  get isFree(): boolean {
    return this.#closing.length === 0 && this.#barred === undefined;
  }

  /** Takes the next token of the answer. */
  accept(token: number): void {
    const { isReasoning } = this.#watch;
    this.#watch.take(token);
    if (this.#closing.length > 0) {
      this.#closing.shift();
      return;
    }
    if (this.#watch.isReasoning) this.#close();
    else if (this.#format.isFirst && !this.#isSpent) this.#isOver = isReasoning || this.#isText(token);
  }

  #close(): void {
    const { isReasoning, tokens, end } = this.#watch;
    if (!isReasoning || tokens < this.#room) return;
    const isCutOff = end.matched === 0 && !this.#isSpent;
    this.#closing = [...(isCutOff ? this.#lastWords : []), ...end.rest, ...this.#format.next];
    this.#isSpent = true;
  }

  /** Whether a token begins the answer. */
  #isText(token: number): boolean {
    return this.#watch.start.matched === 0 && !this.#format.isBlank(token);
  }

  /** Logits `[1, V]` without the tokens that may not come next. */
  apply(logits: MxArray): MxArray {
    const [next] = this.#closing;
    if (next !== undefined) {
      const none = mx.full(logits.shape, Number.NEGATIVE_INFINITY, logits.dtype);
      return withLogit(none, next, 0);
    }
    const barred = this.#barred;
    return barred === undefined ? logits : withLogit(logits, barred, Number.NEGATIVE_INFINITY);
  }

  /** The token that would open reasoning again. The first one of a mark of several may open something else. */
  get #barred(): number | undefined {
    if (!this.#isSpent) return undefined;
    const { start } = this.#watch;
    return this.#format.start.length === 1 || start.matched === 1 ? start.rest[0] : undefined;
  }
}

const withLogit = (logits: MxArray, token: number, value: number): MxArray =>
  mx.putAlongAxis(logits, mx.array([[token]], mx.int32), mx.full([1, 1], value, logits.dtype), -1);
