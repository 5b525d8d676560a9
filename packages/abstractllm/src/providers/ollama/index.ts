import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { OllamaProvider } from "./ollama-provider.ts";

/** Makes a provider for an Ollama server, after checking options and address. */
export function createProvider(config: LLMConfig): AbstractLLM {
  return new OllamaProvider(config);
}
