import type { AbstractLLM } from "../../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../../interface/llm-config.ts";
import { LocalProvider } from "./local-provider.ts";
import { loadTransformers } from "./transformers-js.ts";

/**
 * Makes a provider that runs models in this process, after checking options.
 *
 * @throws {UnsupportedFeatureError} with the install command where `@huggingface/transformers` is not installed
 */
export async function createLocalProvider(config: LLMConfig): Promise<AbstractLLM> {
  return new LocalProvider(config, await loadTransformers());
}
