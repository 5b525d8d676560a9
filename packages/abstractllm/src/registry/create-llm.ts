import { describeValue } from "../config/describe-value.ts";
import { ownOptions } from "../config/own-options.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { LLMConfigInput } from "../interface/llm-config.ts";
import { loadProvider, type ProviderName } from "./provider-registry.ts";

/**
 * Opens a model of a provider.
 *
 * Options, platform and dependencies are checked now; weights load at the first call or at `load()`.
 *
 * @param provider - a name from `getAvailableProviders()`, such as `"mlx"`
 * @param config - defaults for every call, and where the model comes from; snake_case keys are taken too
 * @throws {UnsupportedProviderError} when no such provider is registered
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value
 * @throws {UnsupportedFeatureError} when this machine or provider lacks something that was asked for
 * @example
 * const llm = await createLLM("mlx", { model: "mlx-community/SmolLM2-135M-Instruct" });
 * const { text } = await llm.generate("Why is the sky blue?");
 */
export async function createLLM(provider: ProviderName, config: LLMConfigInput = {}): Promise<AbstractLLM> {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    const message = `Expected object for config but received ${describeValue(config)}`;
    throw new InvalidParameterError("config", undefined, message);
  }
  const { createProvider } = await loadProvider(provider);
  return createProvider(ownOptions(config));
}
