import { MlxError } from "../errors.ts";

/** How long pairs may be. */
export interface PairLimit {
  /** Most tokens; undefined where there is no limit. */
  readonly maxLength: number | undefined;
  /** Leave out the end of a document that is too long, instead of refusing it. */
  readonly truncate: boolean;
}

/** Tokens of a pair. */
interface PairLength {
  readonly whole: number;
  /** Those of `whole` that may be left out. */
  readonly ofDocument: number;
}

/**
 * How many tokens at a document's end are to be left out.
 *
 * @param index - where the document is in its request, for errors
 * @throws {MlxError} `context-length` for a pair that is too long and may not be shortened, or of which nothing of the
 *   document would be left
 */
export const excessTokens = (
  { whole, ofDocument }: PairLength,
  { maxLength = Number.POSITIVE_INFINITY, truncate }: PairLimit,
  index: number,
): number => {
  const excess = Math.max(0, whole - maxLength);
  if (excess === 0) return 0;
  const details = { contentLength: whole, contextLength: maxLength };
  if (!truncate) {
    const message =
      `The document at index ${index} and the query have ${whole} tokens together, more than the ${maxLength} that the ` +
      "model reads. Cut it into parts, or set truncate: true to leave out its end";
    throw new MlxError("context-length", message, { details });
  }
  if (excess < ofDocument) return excess;
  const message = `The query leaves no room for a document within the ${maxLength} tokens that the model reads; shorten it`;
  throw new MlxError("context-length", message, { details });
};
