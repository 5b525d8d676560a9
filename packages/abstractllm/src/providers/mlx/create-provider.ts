import { ConfigurationManager } from "../../config/configuration-manager.ts";
import { readEnvironment } from "../../config/read-environment.ts";
import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { MlxProvider } from "./mlx-provider.ts";
import { MLX_TRAITS } from "./mlx-traits.ts";
import { requireRuntime } from "./runtime.ts";

/**
 * Makes an MLX provider, after checking options, libmlx and device.
 *
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value
 * @throws {UnsupportedFeatureError} where there is no libmlx, or no GPU although one was asked for
 */
export async function createProvider(config: LLMConfig): Promise<AbstractLLM> {
  const { name, defaults, environment } = MLX_TRAITS;
  const layers = { defaults, environment: readEnvironment(environment, name), provider: name };
  const device = new ConfigurationManager(config, layers).getParam("device", "auto");
  const provider = new MlxProvider(config, await requireRuntime(device));
  await provider.lookAtModel();
  return provider;
}
