import { InvalidArgumentError } from "../errors.ts";

/** Finds stop strings in text that arrives in pieces, holding back only what could still become one. */
export class StopMatcher {
  private readonly stops: readonly string[];
  private held = "";
  private stopped = false;
  private matched: string | undefined;

  /**
   * @param stops - strings that end the text; the one that completes first wins, and of those the longest
   * @throws {InvalidArgumentError} when a stop string is empty
   */
  constructor(stops: readonly string[]) {
    if (stops.includes("")) {
      throw new InvalidArgumentError(
        "Expected stop strings of at least one character but received an empty one.",
      );
    }
    this.stops = [...new Set(stops)];
  }

  /** The stop string that was found. */
  get match(): string | undefined {
    return this.matched;
  }

  /** Takes the next piece; gives the text that is safe to emit. After `stopped`, everything is dropped. */
  push(piece: string): { text: string; stopped: boolean } {
    if (this.stopped) return { text: "", stopped: true };
    const from = this.held.length;
    const text = this.held + piece;
    const hit = this.firstHit(text, from);
    if (hit !== undefined) {
      this.stopped = true;
      this.matched = hit.stop;
      this.held = "";
      return { text: text.slice(0, hit.start), stopped: true };
    }
    const keep = this.pendingLength(text);
    this.held = keep === 0 ? "" : text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** The text held back, once no more will come. */
  flush(): string {
    const text = this.held;
    this.held = "";
    return text;
  }

  /** The stop string that ends first; `from` is where new text begins, so no hit can end before it. */
  private firstHit(text: string, from: number): { start: number; stop: string } | undefined {
    let best: { start: number; end: number; stop: string } | undefined;
    for (const stop of this.stops) {
      const start = text.indexOf(stop, Math.max(0, from - stop.length + 1));
      const end = start + stop.length;
      if (start < 0) continue;
      if (best === undefined || end < best.end || (end === best.end && start < best.start))
        best = { start, end, stop };
    }
    return best;
  }

  /** Length of the longest end of `text` that begins a stop string. */
  private pendingLength(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
