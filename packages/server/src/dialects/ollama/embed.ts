import type { EmbedResponse } from "abstractllm";
import {
  either,
  flag,
  HARMLESS,
  listOf,
  nonEmptyText,
  positiveInteger,
  readFields,
  required,
  text,
} from "../../fields/index.ts";
import type { Stamp } from "../dialect.ts";
import type { EmbedRequest } from "../embed-request.ts";
import { endsStay } from "./ollama-call.ts";
import { KEEP_ALIVE } from "./ollama-fields.ts";

const COMMON_FIELDS = {
  model: required(nonEmptyText),
  options: HARMLESS, // of sampling, of which there is none
  keep_alive: KEEP_ALIVE,
} as const;

/** What becomes of each field of `/api/embed`. */
const FIELDS = {
  ...COMMON_FIELDS,
  input: required(either(text, listOf(text))),
  dimensions: positiveInteger,
  truncate: flag,
} as const;

/** What becomes of each field of `/api/embeddings`. */
const ONE_FIELDS = { ...COMMON_FIELDS, prompt: required(text) } as const;

/** Reads the body of `/api/embed`. @throws {RequestProblem} naming the field */
export function readEmbed(body: unknown): EmbedRequest {
  const { model, input, dimensions, truncate, keep_alive } = readFields(body, FIELDS);
  const texts = typeof input === "string" ? [input] : input;
  return { model, texts, dimensions, truncate, isLast: endsStay(keep_alive) };
}

/** Reads the body of `/api/embeddings`. @throws {RequestProblem} naming the field */
export function readEmbedOne(body: unknown): EmbedRequest {
  const { model, prompt, keep_alive } = readFields(body, ONE_FIELDS);
  return { model, texts: [prompt], isLast: endsStay(keep_alive) };
}

/** An answer of `/api/embeddings`: the vector of its one text. */
export function writeEmbedOne({ embeddings: [embedding = []] }: EmbedResponse): object {
  return { embedding };
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
