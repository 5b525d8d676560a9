import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { AnthropicProvider } from "./anthropic-provider.ts";

/** Makes a provider for Anthropic's models, after checking options and key. */
export function createProvider(config: LLMConfig): AbstractLLM {
  return new AnthropicProvider(config);
}
