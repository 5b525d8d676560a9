import type { Tokenizer } from "../tokenizer/index.ts";

/** An added token that begins and ends with signs: `<tool_call>`, `[ARGS]`. */
const LOOKS_LIKE_MARK = /^[^\p{L}\p{N}\s].*[^\p{L}\p{N}\s]$/su;

const utf8 = new TextEncoder();

/** How the tokens of a model are spelled. */
export class TokenSpelling {
  /** The added tokens that stand for no text: special ones, and marks that the chat template writes. The longest first. */
  readonly marks: readonly { readonly id: number; readonly content: string }[];
  readonly #tokenizer: Tokenizer;
  readonly #contents: ReadonlyMap<number, string>;
  readonly #textless: ReadonlySet<number>;

  /** @param ends - ids that end an answer */
  constructor(tokenizer: Tokenizer, ends: ReadonlySet<number>) {
    this.#tokenizer = tokenizer;
    this.#contents = new Map(tokenizer.addedTokens.map(({ id, content }) => [id, content]));
    const { named, default: standard = "" } = tokenizer.chatTemplates;
    const templates = [standard, ...named.values()].join("\n");
    const fitsNoText = ({ id, content }: { id: number; content: string }): boolean =>
      tokenizer.specialTokenIds.has(id) ||
      ends.has(id) ||
      (LOOKS_LIKE_MARK.test(content) && templates.includes(content));
    this.marks = tokenizer.addedTokens
      .filter((token) => token.content !== "" && fitsNoText(token))
      .sort((a, b) => b.content.length - a.content.length);
    this.#textless = new Set([...tokenizer.specialTokenIds, ...ends, ...this.marks.map(({ id }) => id)]);
  }

  /** Whether a token stands for no text: it ends answers or is one of `marks`. */
  fitsNoText(id: number): boolean {
    return this.#textless.has(id);
  }

  /** What a token adds to a text that has begun, marks and special tokens included. */
  bytes(id: number): Uint8Array {
    const content = this.#contents.get(id);
    if (content !== undefined) return utf8.encode(content);
    const token = this.#tokenizer.idToToken(id) ?? "";
    return this.#tokenizer.tokenBytes?.(token) ?? new Uint8Array();
  }
}
