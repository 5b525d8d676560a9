import type { EmbedResponse } from "abstractllm";
import {
  either,
  HARMLESS,
  listOf,
  nonEmptyText,
  positiveInteger,
  readFields,
  refused,
  required,
  text,
} from "../../fields/index.ts";
import type { Stamp } from "../dialect.ts";
import type { EmbedRequest } from "../embed-request.ts";

/** What becomes of each field of `/api/embed`. */
const FIELDS = {
  model: required(nonEmptyText),
  input: required(either(text, listOf(text))),
  dimensions: positiveInteger,
  truncate: refused("a text that is too long is an error"),
  options: HARMLESS, // of sampling, of which there is none
  keep_alive: HARMLESS,
} as const;

/** Reads the body of `/api/embed`. @throws {RequestProblem} naming the field */
export function readEmbed(body: unknown): EmbedRequest {
  const { model, input, dimensions } = readFields(body, FIELDS);
  return { model, texts: typeof input === "string" ? [input] : input, dimensions };
}

/** An answer of `/api/embed`. */
export function writeEmbed(
  { embeddings, usage }: EmbedResponse,
  { model }: EmbedRequest,
  { startedMs }: Stamp,
): object {
  const total_duration = Math.round((performance.now() - startedMs) * 1e6);
  return { model, embeddings, total_duration, load_duration: 0, prompt_eval_count: usage.inputTokens };
}
