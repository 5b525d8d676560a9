import type { EmbedResponse } from "abstractllm";
import {
  either,
  flag,
  HARMLESS,
  listOf,
  nonEmptyText,
  oneOf,
  positiveInteger,
  readFields,
  required,
  text,
} from "../../fields/index.ts";
import type { EmbedRequest } from "../embed-request.ts";

/** LangChain for one sends tokens, of OpenAI's models, unless it is told not to (`check_embedding_ctx_length`). */
const texts = {
  ...either(text, listOf(text)),
  expected: "string or array of strings, which token ids of another model are not,",
};

/** What becomes of each field of `/v1/embeddings`. */
const FIELDS = {
  model: required(nonEmptyText),
  input: required(texts),
  dimensions: positiveInteger,
  encoding_format: oneOf("float", "base64"),
  // of models that OpenAI has not
  input_type: oneOf("query", "document"),
  instruction: nonEmptyText,
  truncate: flag,
  user: HARMLESS,
} as const;

/** A request for vectors, and how they are written. */
export interface OpenAIEmbedRequest extends EmbedRequest {
  readonly isBase64: boolean;
}

/** Reads the body of `/v1/embeddings`. @throws {RequestProblem} naming the field */
export function readEmbeddings(body: unknown): OpenAIEmbedRequest {
  const {
    model,
    input,
    encoding_format,
    input_type: inputType,
    user: _,
    ...options
  } = readFields(body, FIELDS);
  const texts = typeof input === "string" ? [input] : input;
  return { model, texts, inputType, ...options, isBase64: encoding_format === "base64" };
}

/** An answer of `/v1/embeddings`. */
export function writeEmbeddings({ embeddings, usage }: EmbedResponse, request: OpenAIEmbedRequest): object {
  const { inputTokens } = usage;
  return {
    object: "list",
    data: embeddings.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: request.isBase64 ? toBase64(vector) : vector,
    })),
    model: request.model,
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}

/** As 32-bit numbers, little end first. */
function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
