import {
  either,
  flag,
  HARMLESS,
  integer,
  listOf,
  nonEmptyText,
  number,
  object,
  positiveInteger,
  refused,
  required,
  text,
} from "../../../fields/index.ts";
import { choiceCheck } from "../../tool-choice.ts";
import { effortCheck } from "../effort-check.ts";

/** Fields of sampling, which both kinds of completions have. */
export const SAMPLING_FIELDS = {
  temperature: number,
  top_p: number,
  top_k: integer, // this and the next three are vLLM's and SGLang's
  min_p: number,
  repetition_penalty: number,
  ignore_eos: flag,
  num_draft_tokens: integer, // mlx_lm.server's
  prompt_lookup: flag, // ours
  adapters: either(nonEmptyText, listOf(object)), // mlx_lm.server's, by names instead of a path
  draft_model: refused("it belongs to the server's models, as draftModel"),
  frequency_penalty: number,
  presence_penalty: number,
  logit_bias: object,
  stop: either(text, listOf(text)),
  seed: integer,
  stream: flag,
  stream_options: object,
  n: positiveInteger,
  user: HARMLESS,
  metadata: HARMLESS,
} as const;

/** What becomes of each field of `/v1/chat/completions`. */
export const CHAT_FIELDS = {
  ...SAMPLING_FIELDS,
  model: required(nonEmptyText),
  messages: required(listOf(object)),
  max_tokens: positiveInteger,
  max_completion_tokens: positiveInteger,
  tools: listOf(object),
  tool_choice: choiceCheck,
  parallel_tool_calls: flag,
  response_format: object,
  reasoning_effort: effortCheck,
  reasoning: object, // OpenRouter's
  thinking_token_budget: integer, // vLLM's
  thinking_budget_tokens: integer, // llama.cpp's
  thinking_budget: integer, // mlx-vlm's, and that of Qwen's services
  chat_template_kwargs: object, // vLLM's and SGLang's
  logprobs: flag,
  top_logprobs: integer,
  modalities: listOf(text),
  audio: refused("answers are text"),
  web_search_options: refused("there is no search"),
  functions: refused("use tools"),
  function_call: refused("use tool_choice"),
  verbosity: refused("ask for it in a message", "medium"),
  moderation: refused("there is none"),
  store: HARMLESS, // nothing is kept, and nothing can be asked for later
  service_tier: HARMLESS,
  prediction: HARMLESS, // it makes answers faster, not different
  prompt_cache_key: HARMLESS,
  prompt_cache_retention: HARMLESS,
  prompt_cache_options: HARMLESS,
  safety_identifier: HARMLESS,
} as const;
