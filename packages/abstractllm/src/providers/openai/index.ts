import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { OpenAIProvider } from "./openai-provider.ts";

/** Makes an OpenAI provider, after checking options and key. */
export function createProvider(config: LLMConfig): AbstractLLM {
  return new OpenAIProvider(config);
}
