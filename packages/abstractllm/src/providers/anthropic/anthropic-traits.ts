import type { OptionName } from "../../config/option-table.ts";
import type { ProviderTraits } from "../base-provider.ts";
import { REMOTE_OPTIONS } from "../remote/index.ts";

const SUPPORTED: readonly OptionName[] = [
  ...REMOTE_OPTIONS,
  "temperature",
  "maxTokens",
  "maxInputTokens",
  "contextWindow",
  "topP",
  "topK",
  "stop",
  "user",
  "tools",
  "schema",
  "reasoning",
  "promptCaching",
];

/** Anthropic's defaults, environment variables and options. */
export const ANTHROPIC_TRAITS: ProviderTraits = {
  name: "anthropic",
  defaults: { model: "claude-haiku-5-5", baseUrl: "https://api.anthropic.com" },
  environment: { apiKey: ["ANTHROPIC_API_KEY"], baseUrl: ["ANTHROPIC_BASE_URL"] },
  supported: new Set(SUPPORTED),
};
