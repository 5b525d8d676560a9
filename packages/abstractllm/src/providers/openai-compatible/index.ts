import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { OpenAICompatibleProvider } from "./openai-compatible-provider.ts";
import { OPENAI_COMPATIBLE } from "./server-kinds.ts";

/** Makes a provider for a server that speaks OpenAI's protocol, after checking options and address. */
export function createProvider(config: LLMConfig): AbstractLLM {
  return new OpenAICompatibleProvider(OPENAI_COMPATIBLE, config);
}
