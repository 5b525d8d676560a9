import { type ResolveModelOptions, resolveAdapter } from "../hub/index.ts";
import type { Adapter } from "./adapters/index.ts";
import type { LoadedModel } from "./load-model.ts";

/**
 * Loads a LoRA or DoRA adapter, or the weights of a full fine-tuning, for a model on this thread: `apply` makes the model
 * compute with it. The model's weights stay as they are, quantized ones too.
 *
 * @param loaded - the model
 * @param source - a folder or hub repository with `adapter_config.json` and `adapters.safetensors`, as mlx-lm writes them,
 *   or with PEFT's `adapter_model.safetensors`
 * @throws {HubError} when it cannot be found or fetched
 * @throws {MlxError} `config` or `weights` when it is damaged or another model's, `unsupported-feature` for what cannot be
 *   followed
 * @example
 * const loaded = await loadModel("mlx-community/Qwen3-0.6B-4bit");
 * const adapter = await loadAdapter(loaded, "./adapters");
 * adapter.apply();
 */
export const loadAdapter = async (
  loaded: Pick<LoadedModel, "model" | "config" | "exact">,
  source: string,
  options: Omit<ResolveModelOptions, "allowPatterns"> = {},
): Promise<Adapter> => {
  const { path } = await resolveAdapter(source, options);
  // imported here so that this package can be imported, and say what is missing, where no libmlx loads
  const { openAdapter } = await import("./adapters/index.ts");
  return openAdapter(loaded, path);
};
