import type { TokenLogprob } from "../engine/types.ts";

interface HeldToken {
  readonly token: number;
  readonly logprob: TokenLogprob | undefined;
  /** Where in the answer its text begins. */
  readonly start: number;
}

/** Tokens whose text is not out yet: it may be part of a character or of a stop string. */
export class HeldTokens {
  #tokens: HeldToken[] = [];
  #end = 0;
  #taken = 0;

  /** @param length - of the text that it completes: 0 for one that only begins a character */
  push(token: number, length: number, logprob: TokenLogprob | undefined): void {
    this.#tokens.push({ token, logprob, start: this.#end });
    this.#end += length;
  }

  /** The tokens that the next `length` characters of text begin with. */
  take(length: number): { tokens: number[]; logprobs?: TokenLogprob[] } {
    this.#taken += length;
    const later = this.#tokens.findIndex(({ start }) => start >= this.#taken);
    const taken = this.#tokens.splice(0, later < 0 ? this.#tokens.length : later);
    const logprobs = taken.flatMap(({ logprob }) => logprob ?? []);
    const tokens = taken.map(({ token }) => token);
    return logprobs.length === 0 ? { tokens } : { tokens, logprobs };
  }
}
