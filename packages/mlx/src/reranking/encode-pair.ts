import type { Tokenizer } from "../tokenizer/index.ts";
import { excessTokens, type PairLimit } from "./pair-length.ts";

/** A pair as the model reads it. */
export interface PairTokens {
  readonly tokens: readonly number[];
  /** The type of each token, for models with token types; undefined where all are of the first. */
  readonly types?: readonly number[];
}

/** A query with one of its documents. */
export interface QueryDocument {
  readonly query: string;
  readonly document: string;
  /** Where the document is in its request, for errors. */
  readonly index: number;
}

/**
 * The tokens of a pair, with those that the tokenizer adds around and between its texts.
 *
 * @throws {MlxError} `context-length` for one that is too long
 */
export const encodePair = async (
  tokenizer: Tokenizer,
  { query, document, index }: QueryDocument,
  limit: PairLimit,
): Promise<PairTokens> => {
  const { ids, types, texts } = await tokenizer.encodePair(query, document);
  const end = texts.lastIndexOf(1) + 1;
  const ofDocument = texts.filter((text) => text === 1).length;
  const start = end - excessTokens({ whole: ids.length, ofDocument }, limit, index);
  const isKept = (_: number, i: number) => i < start || i >= end;
  return { tokens: ids.filter(isKept), types: types.filter(isKept) };
};
