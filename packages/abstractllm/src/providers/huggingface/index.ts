import { ConfigurationManager } from "../../config/configuration-manager.ts";
import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { HuggingFaceProvider } from "./huggingface-provider.ts";
import { savedToken } from "./saved-token.ts";

/** Makes a provider for models of Hugging Face, behind its Inference Providers or in this process, after checking options. */
export async function createProvider(config: LLMConfig): Promise<AbstractLLM> {
  const isLocal = new ConfigurationManager(config, { provider: "huggingface" }).getParam("local", false);
  if (!isLocal) return new HuggingFaceProvider(config, await savedToken());
  const { createLocalProvider } = await import("./local/index.ts");
  return createLocalProvider(config);
}
