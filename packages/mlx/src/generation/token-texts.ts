/** Scores of tokens with what the tokens say. */
import type { PromptTokenLogprob, TokenLogprob, TokenWithLogprob } from "../engine/types.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { ScoredId, ScoredToken } from "./token-scores.ts";

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What each token of a model adds to a text that has begun. */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  readonly #added: ReadonlyMap<number, string>;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#added = new Map(tokenizer.addedTokens.map(({ id, content }) => [id, content]));
  }

  /** A token of an answer. */
  withText({ likeliest, ...own }: ScoredToken): TokenLogprob {
    return { ...this.#withText(own), topLogprobs: likeliest.map((other) => this.#withText(other)) };
  }

  /** The first token of a prompt, which comes after nothing that could foretell it. */
  first(id: number): PromptTokenLogprob {
    return { id, ...this.#text(id), topLogprobs: [] };
  }

  #withText({ id, logprob }: ScoredId): TokenWithLogprob {
    return { id, ...this.#text(id), logprob };
  }

  #text(id: number): { text: string; bytes: number[] } {
    const bytes = this.#bytes(id);
    return { text: fromUtf8.decode(bytes), bytes: [...bytes] };
  }

  #bytes(id: number): Uint8Array {
    const added = this.#added.get(id);
    if (added !== undefined) return utf8.encode(added);
    const token = this.#tokenizer.idToToken(id);
    if (token === undefined) return new Uint8Array(); // of a vocabulary that was padded
    return this.#tokenizer.tokenBytes?.(token) ?? utf8.encode(this.#tokenizer.decode([id]));
  }
}
