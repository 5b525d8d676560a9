import type { DraftContext, Drafter } from "./drafter.ts";

/** Earlier places that are compared: the latest are the likeliest to be gone on from. */
const MOST_PLACES = 32;
/** Tokens that are compared before the two that agree. */
const LONGEST_RUN = 16;
/** Two tokens as one number: more than any vocabulary has. */
const RADIX = 2 ** 26;

const pair = (a: number, b: number): number => a * RADIX + b;

/**
 * Guesses that a sequence goes on as it did where its last tokens stood before. @see
 * https://github.com/apoorvumang/prompt-lookup-decoding
 */
export class PromptLookup implements Drafter {
  readonly #tokens: number[] = [];
  /** Where each two tokens in a row ended last, and before that. */
  readonly #latest = new Map<number, number>();
  readonly #earlier: number[] = [];

  constructor(tokens: readonly number[]) {
    for (const token of tokens) this.append(token);
  }

  append(token: number): void {
    const end = this.#tokens.push(token) - 1;
    const last = this.#tokens[end - 1];
    const key = last === undefined ? undefined : pair(last, token);
    this.#earlier.push((key === undefined ? undefined : this.#latest.get(key)) ?? -1);
    if (key !== undefined) this.#latest.set(key, end);
  }

  /** What is said next can only be found behind two tokens that stood there before. */
  get isHopeful(): boolean {
    return (this.#earlier.at(-1) ?? -1) >= 0;
  }

  draft({ tokens, limit }: DraftContext): number[] {
    const place = this.#bestPlace(tokens);
    if (place === undefined) return [];
    const drafts: number[] = [];
    // a run that reaches up to the end goes on with itself
    for (let i = place + 1; drafts.length < limit; i++) {
      const token = i < tokens.length ? tokens[i] : drafts[i - tokens.length];
      if (token === undefined) break;
      drafts.push(token);
    }
    return drafts;
  }

  /** The end of the longest run of tokens that the sequence ends with as well, the latest of those. */
  #bestPlace(tokens: readonly number[]): number | undefined {
    const [a, b] = tokens.slice(-2);
    if (a === undefined || b === undefined) return undefined;
    let best: { place: number; run: number } | undefined;
    let place = this.#latest.get(pair(a, b)) ?? -1;
    for (let i = 0; i < MOST_PLACES && place >= 0; i++) {
      const run = runBefore(tokens, place - 2, tokens.length - 3);
      if (run > (best?.run ?? -1)) best = { place, run };
      if (run === LONGEST_RUN) break;
      place = this.#earlier[place] ?? -1;
    }
    return best?.place;
  }

  dispose(): void {
    // owns nothing
  }
}

/** How many tokens before two places are alike. */
const runBefore = (tokens: readonly number[], a: number, b: number): number => {
  let run = 0;
  while (run < LONGEST_RUN && a - run >= 0 && tokens[a - run] === tokens[b - run]) run++;
  return run;
};
