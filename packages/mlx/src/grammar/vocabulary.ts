import { MlxError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type NativeVocabulary, nativeGrammar } from "./native-grammar.ts";
import type { TokenSpelling } from "./token-spelling.ts";

/** What the grammar engine knows tokens by that no text can spell. */
const SPECIAL = 0xff;

/** A longer token is left out: the engine goes down a tree as deep as its longest one (CWE-674). Real ones end at 512. */
const MAX_TOKEN_BYTES = 1024;

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

/** A model's tokens for the grammar engine: those of `eosTokenIds` end a text. */
export const createVocabulary = (
  { tokenizer, eosTokenIds, vocabSize }: TokenSource,
  spelling: TokenSpelling,
): NativeVocabulary => {
  const { Vocabulary } = nativeGrammar();
  const ends = [...eosTokenIds].filter((id) => id < vocabSize);
  const words = Array.from({ length: vocabSize }, (_, id) => wordOf(id, tokenizer, spelling));
  return new Vocabulary(
    Buffer.concat(words),
    Uint32Array.from(words, ({ length }) => length),
    Uint32Array.from(ends),
  );
};

const wordOf = (id: number, tokenizer: Tokenizer, spelling: TokenSpelling): Uint8Array => {
  if ((tokenizer.idToToken(id) ?? "") === "") return new Uint8Array();
  const bytes = spelling.bytes(id);
  const word = spelling.fitsNoText(id) ? Uint8Array.of(SPECIAL, ...bytes) : bytes;
  return word.length > MAX_TOKEN_BYTES ? new Uint8Array() : word;
};
