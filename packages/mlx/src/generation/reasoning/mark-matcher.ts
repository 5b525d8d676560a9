/** Finds a mark in a row of tokens. A mark's tokens differ from each other. */
export class MarkMatcher {
  readonly #mark: readonly number[];
  #matched = 0;

  constructor(mark: readonly number[]) {
    this.#mark = mark;
  }

  /** How many tokens of the mark the row ends with, while it is not whole. */
  get matched(): number {
    return this.#matched;
  }

  /** What the mark still lacks. */
  get rest(): readonly number[] {
    return this.#mark.slice(this.#matched);
  }

  /** Takes the next token; true when the mark is whole with it. */
  take(token: number): boolean {
    if (token === this.#mark[this.#matched]) this.#matched += 1;
    else this.#matched = token === this.#mark[0] ? 1 : 0;
    const isWhole = this.#matched === this.#mark.length;
    if (isWhole) this.#matched = 0;
    return isWhole;
  }
}
