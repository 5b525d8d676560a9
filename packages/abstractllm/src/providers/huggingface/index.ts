import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { HuggingFaceProvider } from "./huggingface-provider.ts";
import { savedToken } from "./saved-token.ts";

/** Makes a provider for Hugging Face's Inference Providers, after checking options and token. */
export async function createProvider(config: LLMConfig): Promise<AbstractLLM> {
  return new HuggingFaceProvider(config, await savedToken());
}
