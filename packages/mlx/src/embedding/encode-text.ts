import { checkTextSize } from "../batches/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Options of {@link encodeText}. */
export interface EncodeTextOptions {
  /** Put before the text. */
  readonly prompt: string;
  /** Most tokens; undefined where there is no limit. */
  readonly maxLength: number | undefined;
  /** Leave out the end of a text that is too long, instead of refusing it. */
  readonly truncate: boolean;
  readonly lowerCases: boolean;
  /** Where the text is in its request, for errors. */
  readonly index: number;
}

const tooLong = (index: number, contentLength: number, contextLength: number): MlxError =>
  new MlxError(
    "context-length",
    `The text at index ${index} has ${contentLength} tokens, more than the ${contextLength} that the model reads. ` +
      "Cut it into parts, or set truncate: true to leave out its end",
    { details: { contentLength, contextLength } },
  );

/** Where `part` is in `whole`. */
const placeOf = (part: readonly number[], whole: readonly number[]): number => {
  for (let at = 0; at + part.length <= whole.length; at++)
    if (part.every((id, i) => whole[at + i] === id)) return at;
  return 0;
};

/** A text's tokens up to the limit, with what the tokenizer adds around texts. */
const shorten = async (tokenizer: Tokenizer, text: string, whole: number[], maxLength: number) => {
  const bare = await tokenizer.encode(text, { addSpecialTokens: false });
  const start = placeOf(bare, whole);
  const added = whole.length - bare.length;
  const kept = bare.slice(0, Math.max(0, maxLength - added));
  return [...whole.slice(0, start), ...kept, ...whole.slice(start + bare.length)].slice(0, maxLength);
};

/**
 * The tokens of a text, with those that the tokenizer adds around it.
 *
 * @throws {InvalidArgumentError} for a text without tokens
 * @throws {MlxError} `context-length` for one that is too long
 */
export const encodeText = async (
  tokenizer: Tokenizer,
  given: string,
  { prompt, maxLength, truncate, lowerCases, index }: EncodeTextOptions,
): Promise<number[]> => {
  checkTextSize(given, `The text at index ${index}`);
  const text = lowerCases ? (prompt + given).toLowerCase() : prompt + given;
  const tokens = await tokenizer.encode(text);
  if (tokens.length === 0) throw new InvalidArgumentError(`The text at index ${index} has no tokens`);
  if (maxLength === undefined || tokens.length <= maxLength) return tokens;
  if (!truncate) throw tooLong(index, tokens.length, maxLength);
  return shorten(tokenizer, text, tokens, maxLength);
};
