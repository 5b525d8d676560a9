/** Drafts to begin with: as many as mlx-lm takes. */
const FIRST = 3;
/** More are seldom all accepted, and from five positions on CPUs take much longer for each. */
const MOST = 4;
/** Longest pause after drafts of which none was accepted. */
const LONGEST_PAUSE = 15;

/** How many tokens are drafted at once: as many as the last drafts were worth, or a given number. */
export class DraftPace {
  readonly #given: number | undefined;
  #size: number;
  #failures = 0;
  #pause = 0;

  /** @param given - drafts of this size, always. Default: by what is accepted */
  constructor(given: number | undefined) {
    this.#given = given;
    this.#size = given ?? FIRST;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether to draft before this token; each asks once. */
  turn(): boolean {
    if (this.#pause === 0) return true;
    this.#pause -= 1;
    return false;
  }

  /** Takes how many of a draft's tokens were accepted. */
  learn(drafted: number, accepted: number): void {
    if (this.#given !== undefined || drafted === 0) return;
    if (accepted === drafted) this.#size = Math.min(MOST, Math.max(this.#size, drafted + 1));
    else this.#size = Math.max(1, accepted);
    this.#failures = accepted === 0 ? this.#failures + 1 : 0;
    this.#pause = Math.min(LONGEST_PAUSE, 2 ** this.#failures - 1);
  }
}
