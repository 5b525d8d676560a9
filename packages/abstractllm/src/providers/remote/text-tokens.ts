import type { TokenLogprob } from "../../interface/token-logprob.ts";

/** Finds the tokens that a text was written with, where a service gives those of reasoning and of marks as well. */
export class TextTokens {
  #waiting: TokenLogprob[] = [];

  /** Takes tokens whose text is still to come, if any comes. */
  push(tokens: readonly TokenLogprob[]): void {
    this.#waiting = [...this.#waiting, ...tokens];
  }

  /** Leaves out the tokens so far: they wrote something else. */
  passOver(): void {
    this.#waiting = [];
  }

  /** The tokens that wrote a piece of text: those so far, from the one that it begins with. */
  take(text: string): TokenLogprob[] {
    const tokens = this.#waiting;
    this.#waiting = [];
    return tokens.slice(firstOf(text, tokens));
  }
}

/** The first token of a text; 0 where the texts of the tokens do not tell. */
function firstOf(text: string, tokens: readonly TokenLogprob[]): number {
  const wanted = Buffer.from(text);
  const pieces = tokens.map(({ token, bytes }) => Buffer.from(bytes ?? token));
  const written = Buffer.concat(pieces);
  let start = 0;
  for (const [index, piece] of pieces.entries()) {
    const length = Math.min(wanted.length, written.length - start);
    const isBegun = written.subarray(start, start + length).equals(wanted.subarray(0, length));
    if (length > 0 && isBegun) return index;
    start += piece.length;
  }
  return 0;
}
