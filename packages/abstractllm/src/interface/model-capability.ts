/** What a provider with its model can do; keys of `getCapabilities()`. The values are Python AbstractLLM's, which has no reranking and no log probabilities. */
export const ModelCapability = {
  STREAMING: "streaming",
  MAX_TOKENS: "max_tokens",
  SYSTEM_PROMPT: "supports_system_prompt",
  ASYNC: "supports_async",
  FUNCTION_CALLING: "supports_function_calling",
  TOOL_USE: "supports_tool_use",
  VISION: "supports_vision",
  FINE_TUNING: "supports_fine_tuning",
  EMBEDDINGS: "supports_embeddings",
  RERANKING: "supports_reranking",
  MULTILINGUAL: "supports_multilingual",
  RAG: "supports_rag",
  MULTI_TURN: "supports_multi_turn",
  PARALLEL_INFERENCE: "supports_parallel_inference",
  IMAGE_GENERATION: "supports_image_generation",
  AUDIO_PROCESSING: "supports_audio_processing",
  JSON_MODE: "supports_json_mode",
  LOGPROBS: "supports_logprobs",
} as const;

/** One of the values of `ModelCapability`. */
export type ModelCapability = (typeof ModelCapability)[keyof typeof ModelCapability];

/** Every capability: `MAX_TOKENS` is the number of tokens an answer may have, the others are true or false. */
export type Capabilities = {
  [Name in Exclude<ModelCapability, "max_tokens">]: boolean;
} & { max_tokens: number };
