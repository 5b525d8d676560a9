import { HubError } from "../errors.ts";
import { parseModelSource } from "./model-source.ts";
import {
  type HubEnvironment,
  type ResolvedModel,
  type ResolveModelOptions,
  resolveModel,
} from "./resolve-model.ts";

/** The files of an adapter, as mlx-lm and PEFT name them. */
const ADAPTER_PATTERNS: readonly string[] = [
  "adapter_config.json",
  "adapters.safetensors",
  "adapter_model.safetensors",
];

/**
 * Finds an adapter: a folder of this machine as it is, else a hub repository from the Hugging Face cache, downloaded first
 * when needed.
 *
 * @param source - path or `org/name`
 * @throws {HubError} as `resolveModel`
 * @example const { path } = await resolveAdapter("mlx-community/some-adapter");
 */
export const resolveAdapter = async (
  source: string,
  options: Omit<ResolveModelOptions, "allowPatterns"> = {},
  environment: HubEnvironment = {},
): Promise<ResolvedModel> => {
  try {
    return await resolveModel(source, { ...options, allowPatterns: ADAPTER_PATTERNS }, environment);
  } catch (error) {
    const isMissing = error instanceof HubError && error.code === "model-not-found";
    if (!isMissing || parseModelSource(source).kind !== "path") throw error;
    throw new HubError("model-not-found", `There is no adapter's folder at ${source}.`, { cause: error });
  }
};
