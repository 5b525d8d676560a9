import type { OptionName } from "../../config/option-table.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import type { ProviderTraits } from "../base-provider.ts";
import { REMOTE_OPTIONS } from "../remote/index.ts";

const SUPPORTED: readonly OptionName[] = [
  ...REMOTE_OPTIONS,
  "organization",
  "api",
  "temperature",
  "maxTokens",
  "maxInputTokens",
  "contextWindow",
  "topP",
  "frequencyPenalty",
  "presencePenalty",
  "logitBias",
  "stop",
  "seed",
  "logprobs",
  "user",
  "imageDetail",
  "tools",
  "schema",
  "reasoning",
];

/** Defaults that hold for models that do not reason; those refuse a temperature and need more tokens to think. */
export const CHAT_DEFAULTS = { temperature: 0.7, maxTokens: 2048 } as const satisfies LLMConfig;

/** OpenAI's defaults, environment variables and options. */
export const OPENAI_TRAITS = {
  name: "openai",
  defaults: { model: "gpt-4o", baseUrl: "https://api.openai.com/v1", ...CHAT_DEFAULTS },
  environment: {
    apiKey: ["OPENAI_API_KEY"],
    baseUrl: ["OPENAI_BASE_URL"],
    organization: ["OPENAI_ORG_ID", "OPENAI_ORGANIZATION", "OPENAI_ORG"],
  },
  supported: new Set(SUPPORTED),
} as const satisfies ProviderTraits;
