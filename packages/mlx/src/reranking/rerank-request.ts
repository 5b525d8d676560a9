import { InvalidArgumentError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { checkOptionNames } from "../option-names.ts";

/** What scores are asked for. */
export interface RerankRequest {
  query: string;
  /** One at least, none of them empty. */
  documents: readonly string[];
  /** What the query asks for, in a sentence, for models with a place for it in their prompt. Default: the model's own. */
  instruction?: string;
  /** Leave out the end of documents that are too long beside the query, instead of refusing them. Default false. */
  truncate?: boolean;
}

/** How well documents answer a query. */
export interface Scores {
  /** In the order of the documents, higher for better; of which range is the model's affair. */
  readonly scores: Float32Array<ArrayBuffer>;
  /** Tokens that the model read, the query once for each document. */
  readonly inputTokens: number;
}

const OPTIONS: Readonly<Record<keyof RerankRequest, true>> = {
  query: true,
  documents: true,
  instruction: true,
  truncate: true,
};

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

const refuse = (expected: string): InvalidArgumentError => new InvalidArgumentError(`Expected ${expected}`);

/** Checks a request. @throws {InvalidArgumentError} naming the option and what it should be */
export const checkRerankRequest = (request: RerankRequest): void => {
  if (!isObject(request)) throw refuse("an object with query and documents");
  checkOptionNames(request, OPTIONS);
  const { query, documents, instruction, truncate } = request;
  if (!isText(query)) throw refuse("a non-empty string for query");
  if (!Array.isArray(documents) || documents.length === 0 || !documents.every(isText))
    throw refuse("one or more non-empty strings for documents");
  if (instruction !== undefined && !isText(instruction)) throw refuse("a non-empty string for instruction");
  if (truncate !== undefined && typeof truncate !== "boolean") throw refuse("true or false for truncate");
};
