import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { OpenAICompatibleProvider } from "../openai-compatible/openai-compatible-provider.ts";
import { LMSTUDIO } from "../openai-compatible/server-kinds.ts";

/** Makes a provider for LM Studio's server, after checking options. */
export function createProvider(config: LLMConfig): AbstractLLM {
  return new OpenAICompatibleProvider(LMSTUDIO, config);
}
