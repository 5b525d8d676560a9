/** Hands out text up to the first stop string, also one that begins in one piece and ends in another. */
export class StopFilter {
  readonly #stops: readonly string[];
  readonly #emit: (text: string) => void;
  /** May be the beginning of a stop string. */
  #held = "";
  #isStopped = false;

  constructor(stops: readonly string[], emit: (text: string) => void) {
    this.#stops = stops;
    this.#emit = emit;
  }

  /** A stop string has come; what follows is passed over. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  push(text: string): void {
    if (this.#isStopped) return;
    this.#held += text;
    const ends = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((index) => index >= 0);
    if (ends.length > 0) {
      this.#isStopped = true;
      this.#hand(Math.min(...ends));
      return;
    }
    this.#hand(this.#held.length - this.#lengthOfBeginning());
  }

  /** The text is over. */
  end(): void {
    if (!this.#isStopped) this.#hand(this.#held.length);
  }

  #hand(length: number): void {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (text !== "") this.#emit(text);
  }

  /** How much of the end of the text may begin a stop string. */
  #lengthOfBeginning(): number {
    const longest = Math.max(0, ...this.#stops.map(({ length }) => length - 1));
    for (let length = Math.min(longest, this.#held.length); length > 0; length--) {
      const end = this.#held.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
