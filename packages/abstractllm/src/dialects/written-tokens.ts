import type { TokenLogprob } from "../interface/token-logprob.ts";

/** The tokens of an answer as it was written, to be taken with the text that becomes of it. */
export class WrittenTokens {
  #tokens: { readonly start: number; readonly logprob: TokenLogprob }[] = [];
  #written = 0;
  #taken = 0;

  /** Takes more of the answer with the tokens that it begins or goes on with. */
  push(text: string, logprobs: readonly TokenLogprob[]): void {
    let offset = 0;
    for (const logprob of logprobs) {
      // parts of one character say more together than each does
      this.#tokens.push({ start: this.#written + Math.min(offset, Math.max(0, text.length - 1)), logprob });
      offset += logprob.token.length;
    }
    this.#written += text.length;
  }

  /** The tokens that begin in the next `length` characters. */
  take(length: number): TokenLogprob[] {
    this.#taken += length;
    const later = this.#tokens.findIndex(({ start }) => start >= this.#taken);
    return this.#tokens.splice(0, later < 0 ? this.#tokens.length : later).map(({ logprob }) => logprob);
  }
}
