import { statSync } from "node:fs";
import { MlxError } from "../../errors.ts";
import type { LoadedModel } from "../load-model.ts";
import type { Adapter } from "./adapter.ts";
import { type AdapterConfig, readAdapterConfig } from "./adapter-config.ts";
import { fitAdapter } from "./fit-adapter.ts";
import { readAdapter } from "./read-adapter.ts";

const checkExists = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new MlxError("model-not-found", `There is no adapter's folder at ${path}`, { details: { path } });
};

/** Models whose weights are scaled as they load: matrices that were trained beside others would mean something else. */
const RESCALED: readonly unknown[] = ["falcon_h1"];

const refuseRescaled = ({ format }: AdapterConfig, modelType: unknown): void => {
  if (format !== "peft" || !RESCALED.includes(modelType)) return;
  const message = `PEFT's adapters for ${modelType} are not supported; train one with mlx-lm`;
  throw new MlxError("unsupported-feature", message, { details: { feature: "adapter" } });
};

/**
 * An adapter for a model on this thread, not applied yet.
 *
 * @param folder - with `adapter_config.json` and weights, as mlx-lm or PEFT writes them
 * @throws {MlxError} `model-not-found`, `config`, `weights`, or `unsupported-feature` for what cannot be followed
 */
export const openAdapter = (
  { model, config: { model_type }, exact }: Pick<LoadedModel, "model" | "config" | "exact">,
  folder: string,
): Adapter => {
  checkExists(folder);
  const config = readAdapterConfig(folder);
  refuseRescaled(config, model_type);
  return fitAdapter({ model, exact }, readAdapter(folder, config), folder);
};
