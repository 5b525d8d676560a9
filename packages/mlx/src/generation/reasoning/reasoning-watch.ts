import { MarkMatcher } from "./mark-matcher.ts";
import type { ReasoningFormat } from "./reasoning-format.ts";

/** Follows an answer from token to token: where it reasons, and how much. */
export class ReasoningWatch {
  readonly start: MarkMatcher;
  /** What would end it where it has to end. */
  readonly end: MarkMatcher;
  readonly #otherEnds: readonly MarkMatcher[];
  #isReasoning = false;
  #tokens = 0;

  /** @param prompt - token ids that the answer goes on from */
  constructor({ start, end, otherEnds }: ReasoningFormat, prompt: readonly number[]) {
    this.start = new MarkMatcher(start);
    this.end = new MarkMatcher(end);
    this.#otherEnds = otherEnds.map((mark) => new MarkMatcher(mark));
    for (const token of prompt) this.take(token);
    this.#tokens = 0;
  }

  /** Whether the next token is reasoning, or ends it. */
  get isReasoning(): boolean {
    return this.#isReasoning;
  }

  /** Tokens of the answer between the marks. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Takes the next token of the answer. */
  take(token: number): void {
    const begins = this.start.take(token);
    if (!this.#isReasoning) {
      this.#isReasoning = begins;
      return;
    }
    const ofEnd = this.end.matched;
    const isEnd = [this.end, ...this.#otherEnds].filter((mark) => mark.take(token)).length > 0;
    this.#isReasoning = !isEnd;
    this.#tokens += isEnd ? -ofEnd : 1;
  }
}
