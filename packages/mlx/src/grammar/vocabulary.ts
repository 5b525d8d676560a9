import { MlxError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type NativeVocabulary, nativeGrammar } from "./native-grammar.ts";

/** What the grammar engine knows special tokens by, which no text can spell. */
const SPECIAL = 0xff;

/** A longer token is left out: the engine goes down a tree as deep as its longest one (CWE-674). Real ones end at 512. */
const MAX_TOKEN_BYTES = 1024;

const utf8 = new TextEncoder();

/** Which tokens a constraint is made of. */
export interface TokenSource {
  readonly tokenizer: Tokenizer;
  readonly eosTokenIds: ReadonlySet<number>;
  /** Length of the logits; ids without a token are never chosen. */
  readonly vocabSize: number;
}

/**
 * Checks that this build and this tokenizer can constrain answers.
 *
 * @throws {MlxError} `unsupported-feature`, with what to do
 */
export const requireConstraints = ({ tokenBytes }: Tokenizer): void => {
  nativeGrammar();
  if (tokenBytes !== undefined) return;
  throw new MlxError(
    "unsupported-feature",
    "The model's tokens stand for different text in different places, so its answers cannot be constrained; take " +
      "a model with a byte-level or sentencepiece tokenizer",
    { details: { feature: "constraint" } },
  );
};

/** A model's tokens for the grammar engine: special ones fit no text, those of `eosTokenIds` end one. */
export const createVocabulary = ({ tokenizer, eosTokenIds, vocabSize }: TokenSource): NativeVocabulary => {
  const { Vocabulary } = nativeGrammar();
  const ends = [...eosTokenIds].filter((id) => id < vocabSize);
  const words = Array.from({ length: vocabSize }, (_, id) => bytesOf(id, tokenizer, eosTokenIds));
  return new Vocabulary(
    Buffer.concat(words),
    Uint32Array.from(words, ({ length }) => length),
    Uint32Array.from(ends),
  );
};

const bytesOf = (id: number, tokenizer: Tokenizer, ends: ReadonlySet<number>): Uint8Array => {
  const token = tokenizer.idToToken(id);
  if (token === undefined || token === "") return new Uint8Array();
  const isSpecial = tokenizer.specialTokenIds.has(id) || ends.has(id);
  const bytes = isSpecial
    ? Uint8Array.of(SPECIAL, ...utf8.encode(token))
    : (tokenizer.tokenBytes?.(token) ?? new Uint8Array());
  return bytes.length > MAX_TOKEN_BYTES ? new Uint8Array() : bytes;
};
