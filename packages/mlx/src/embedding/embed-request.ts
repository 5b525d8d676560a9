import { InvalidArgumentError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { checkOptionNames } from "../option-names.ts";
import type { InputType } from "./text-prompts.ts";

/** What vectors are asked for. */
export interface EmbedRequest {
  /** One at least, none of them empty. */
  texts: readonly string[];
  /** Numbers per vector: the first ones, at length 1 again where the model gives that. Default: all. */
  dimensions?: number;
  /** What the texts are, for models with a prompt for each. Default: nothing in particular. */
  inputType?: InputType;
  /** What queries ask for, in a sentence, for models with a place for it in their prompt. Default: what the prompt says. */
  instruction?: string;
  /** Leave out the end of texts that are too long, instead of refusing them. Default false. */
  truncate?: boolean;
}

/** Vectors of texts. */
export interface Embeddings {
  /** One behind the other, in the order of the texts. */
  readonly vectors: Float32Array<ArrayBuffer>;
  /** Numbers per vector. */
  readonly dimensions: number;
  /** Tokens that the model read. */
  readonly inputTokens: number;
}

const OPTIONS: Readonly<Record<keyof EmbedRequest, true>> = {
  texts: true,
  dimensions: true,
  inputType: true,
  instruction: true,
  truncate: true,
};

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const refuse = (expected: string): InvalidArgumentError => new InvalidArgumentError(`Expected ${expected}`);

/**
 * Checks a request.
 *
 * @param dims - numbers per vector of the model
 * @throws {InvalidArgumentError} naming the option and what it should be
 */
export const checkEmbedRequest = (request: EmbedRequest, dims: number): void => {
  if (!isObject(request)) throw refuse("an object with texts");
  checkOptionNames(request, OPTIONS);
  const { texts, dimensions, inputType, instruction, truncate } = request;
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every(isText))
    throw refuse("one or more non-empty strings for texts");
  if (
    dimensions !== undefined &&
    !(Number.isSafeInteger(dimensions) && dimensions >= 1 && dimensions <= dims)
  )
    throw refuse(
      `a whole number from 1 to ${dims}, which the model has, for dimensions but received ${dimensions}`,
    );
  if (inputType !== undefined && inputType !== "query" && inputType !== "document")
    throw refuse('"query" or "document" for inputType');
  if (instruction !== undefined && !isText(instruction)) throw refuse("a non-empty string for instruction");
  if (truncate !== undefined && typeof truncate !== "boolean") throw refuse("true or false for truncate");
};
