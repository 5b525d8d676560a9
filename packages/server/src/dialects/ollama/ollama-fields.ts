import {
  either,
  flag,
  HARMLESS,
  integer,
  listOf,
  nonEmptyText,
  number,
  object,
  oneOf,
  positiveInteger,
  refused,
  required,
  text,
} from "../../fields/index.ts";
import { choiceCheck } from "../tool-choice.ts";

/** Models stay until others need their place; 0 gives one back. */
export const KEEP_ALIVE = either(number, text);

const COMMON_FIELDS = {
  model: required(nonEmptyText),
  stream: flag,
  format: either(oneOf("json", ""), object),
  options: object,
  think: either(flag, oneOf("low", "medium", "high", "max")),
  logprobs: flag,
  top_logprobs: integer,
  truncate: HARMLESS, // a prompt that is too long is an error
  shift: HARMLESS, // an answer ends where the context does
  keep_alive: KEEP_ALIVE,
} as const;

/** What becomes of each field of `/api/chat`. */
export const CHAT_FIELDS = {
  ...COMMON_FIELDS,
  messages: listOf(object),
  tools: listOf(object),
  // what ollama-ai-provider-v2 has beside the options, or instead of them
  temperature: number,
  top_p: number,
  max_output_tokens: positiveInteger,
  tool_choice: choiceCheck,
} as const;

/** What becomes of each field of `/api/generate`. */
export const GENERATE_FIELDS = {
  ...COMMON_FIELDS,
  prompt: text,
  system: text,
  images: listOf(text),
  raw: flag,
  suffix: refused("there is no filling in; write the template's own marks with raw", ""),
  template: refused("the model's own is used; write the prompt with raw", ""),
  context: refused("send the conversation to /api/chat"),
  width: refused("answers are text", 0),
  height: refused("answers are text", 0),
  steps: refused("answers are text", 0),
} as const;

const NOT_SAMPLED = "this way of sampling is not there";

/** What becomes of each of the `options`. */
export const OPTION_FIELDS = {
  temperature: number,
  top_p: number,
  top_k: integer,
  min_p: number,
  repeat_penalty: number,
  presence_penalty: number,
  frequency_penalty: number,
  seed: integer,
  stop: either(text, listOf(text)),
  num_predict: integer,
  num_ctx: HARMLESS, // the model's whole context is there, and nothing is cut off
  num_keep: HARMLESS,
  num_batch: HARMLESS,
  num_gpu: HARMLESS,
  main_gpu: HARMLESS,
  num_thread: HARMLESS,
  numa: HARMLESS,
  use_mmap: HARMLESS,
  use_mlock: HARMLESS,
  low_vram: HARMLESS,
  vocab_only: HARMLESS,
  logits_all: HARMLESS,
  f16_kv: HARMLESS,
  embedding_only: HARMLESS,
  typical_p: refused(NOT_SAMPLED, 1),
  tfs_z: refused(NOT_SAMPLED, 1),
  mirostat: refused(NOT_SAMPLED, 0),
  mirostat_tau: HARMLESS, // goes with mirostat
  mirostat_eta: HARMLESS,
  repeat_last_n: refused("the penalty reaches back as far as the model's provider has it", 64), // Ollama's default
  penalize_newline: refused(NOT_SAMPLED, true),
} as const;
