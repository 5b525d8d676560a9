/** Names of the common parameters, for code that sets options by name: `{ [ModelParameter.MAX_TOKENS]: 100 }`. */
export const ModelParameter = {
  TEMPERATURE: "temperature",
  MAX_TOKENS: "maxTokens",
  SYSTEM_PROMPT: "systemPrompt",
  TOP_P: "topP",
  FREQUENCY_PENALTY: "frequencyPenalty",
  PRESENCE_PENALTY: "presencePenalty",
  STOP: "stop",
  MODEL: "model",
  API_KEY: "apiKey",
  BASE_URL: "baseUrl",

  TIMEOUT: "timeout",
  RETRY_COUNT: "retryCount",
  LOGIT_BIAS: "logitBias",
  SEED: "seed",
  TOP_K: "topK",
  REPETITION_PENALTY: "repetitionPenalty",

  MAX_INPUT_TOKENS: "maxInputTokens",
  MAX_OUTPUT_TOKENS: "maxOutputTokens",
  CONTEXT_WINDOW: "contextWindow",
  TRUNCATION_STRATEGY: "truncationStrategy",

  DEVICE: "device",
  DEVICE_MAP: "deviceMap",
  LOAD_IN_8BIT: "loadIn8bit",
  LOAD_IN_4BIT: "loadIn4bit",
  CACHE_DIR: "cacheDir",

  ORGANIZATION: "organization",
  USER: "user",
  PROXY: "proxy",
  REQUEST_TIMEOUT: "requestTimeout",
  MAX_RETRIES: "maxRetries",

  IMAGE: "image",
  IMAGES: "images",
  IMAGE_DETAIL: "imageDetail",

  TOOLS: "tools",
  TOOL_CHOICE: "toolChoice",

  CONTENT_FILTER: "contentFilter",
  MODERATION: "moderation",
  LOGGING_ENABLED: "loggingEnabled",
} as const;

/** One of the values of `ModelParameter`. */
export type ModelParameter = (typeof ModelParameter)[keyof typeof ModelParameter];
