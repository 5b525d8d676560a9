import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type LanguageModel, resolveArchitecture } from "../models/index.ts";
import { MatrixLayer, type Quantization, quantize } from "../nn/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface AssembleOptions {
  /** Quantize a dense checkpoint. */
  quantize?: Partial<Quantization> | undefined;
  device: mx.Device;
}

export interface AssembledModel {
  model: LanguageModel;
  /** The prevailing quantization; undefined for a dense model. */
  quantization: Quantization | undefined;
  warnings: string[];
}

/** Prepares the layers that the checkpoint stores quantized. */
const expectQuantized = (
  model: LanguageModel,
  checkpoint: Checkpoint,
  weights: ReadonlyMap<string, MxArray>,
): void => {
  const { quantization } = checkpoint;
  if (quantization === undefined) return;
  for (const [path, layer] of model.namedModules()) {
    if (!(layer instanceof MatrixLayer) || !weights.has(`${path}.scales`)) continue;
    const own = quantization.layers.get(path);
    if (own !== false) layer.expectQuantized(own ?? quantization.standard);
  }
};

/** Evaluates a few arrays at a time, so that copies and casts don't pile up. */
const evaluateAll = (model: LanguageModel): void => {
  for (const array of model.parameters().values()) mx.evaluate(array);
};

/**
 * A model filled with a checkpoint's weights, which it then owns.
 *
 * @throws {MlxError} `unsupported-architecture`, `config` or `weights`
 */
export const assembleModel = async (
  checkpoint: Checkpoint,
  options: AssembleOptions,
): Promise<AssembledModel> => {
  const architecture = await resolveArchitecture(checkpoint.config);
  const model = architecture.create();
  try {
    const weights = architecture.sanitize(checkpoint.weights);
    for (const [key, array] of checkpoint.weights) if (!weights.has(key)) array.dispose();
    expectQuantized(model, checkpoint, weights);
    model.loadWeights(weights);
    let quantization = checkpoint.quantization?.standard;
    if (quantization === undefined && options.quantize !== undefined) {
      const done = quantize(model, options.quantize);
      const layer = [...model.namedModules()].find(([path]) => path === done[0])?.[1];
      if (layer instanceof MatrixLayer) quantization = layer.quantization;
    }
    // stock libmlx accumulates half-precision products in half precision on the CPU: up to 6 % error
    if (options.device === "cpu") model.castFloating(mx.float32);
    evaluateAll(model);
    mx.clearCache();
    const warnings = architecture.unknownKeys.map(
      (key) => `config.json: the key ${key} is not known and was ignored`,
    );
    return { model, quantization, warnings };
  } catch (error) {
    for (const array of checkpoint.weights.values()) array.dispose();
    model.dispose();
    throw error;
  }
};
