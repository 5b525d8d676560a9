import { withRoundedActivations } from "../core/cpu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { moveToHugePages } from "../core/mapped.ts";
import type { BoundArchitecture, LanguageModel } from "../models/index.ts";
import {
  isQuantization,
  Linear,
  MatrixLayer,
  type Quantization,
  type QuantizationMode,
  quantization,
  quantize,
} from "../nn/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface AssembleOptions {
  /** Quantize a dense checkpoint, and what a GGUF file had quantized in ways MLX has not. */
  quantize: Partial<Quantization> | undefined;
  /** Float32 everywhere. */
  exact: boolean;
  device: mx.Device;
}

export interface AssembledModel {
  model: LanguageModel;
  /** The prevailing quantization; undefined for a dense model. */
  quantization: Quantization | undefined;
  /** What was decided for the user. */
  warnings: string[];
}

/**
 * The quantization that the shapes and dtype of a layer's arrays tell, where MLX has one like that.
 *
 * @see mlx-lm 0.32.2 utils.py infer_quant_config
 */
const storedQuantization = (
  layer: MatrixLayer,
  path: string,
  weights: ReadonlyMap<string, MxArray>,
): Quantization | undefined => {
  const [weight, scales] = [weights.get(`${path}.weight`), weights.get(`${path}.scales`)];
  const inputs = layer.matrixShape.at(-1) ?? 0;
  if (weight === undefined || scales === undefined || weight.ndim < 2 || scales.ndim < 2) return undefined;
  const groupSize = inputs / scales.dim(-1);
  const bits = (weight.dim(-1) * 32) / inputs;
  const modes: readonly QuantizationMode[] =
    scales.dtype === mx.uint8 ? ["mxfp4", "nvfp4", "mxfp8"] : ["affine"];
  const mode = modes.find((candidate) => isQuantization({ groupSize, bits, mode: candidate }));
  return mode === undefined ? undefined : { groupSize, bits, mode };
};

/** Prepares the layers that the checkpoint stores quantized. */
const expectQuantized = (
  model: LanguageModel,
  checkpoint: Checkpoint,
  weights: ReadonlyMap<string, MxArray>,
): void => {
  const { quantization: stored } = checkpoint;
  if (stored === undefined) return;
  for (const [path, layer] of model.namedModules()) {
    if (!(layer instanceof MatrixLayer) || !weights.has(`${path}.scales`)) continue;
    const own = stored.layers.get(path);
    if (own === false) continue;
    layer.expectQuantized(own ?? storedQuantization(layer, path, weights) ?? stored.standard);
    if (weights.has(`${path}.global_scale`)) layer.expectGlobalScale();
  }
};

/** Quantizes what the options ask for; returns the prevailing quantization and what to tell the user. */
const quantizeDense = (
  model: LanguageModel,
  { quantization: stored, repacked }: Checkpoint,
  option: Partial<Quantization> | undefined,
): { prevailing: Quantization | undefined; warnings: string[] } => {
  if (option === undefined) return { prevailing: stored?.standard, warnings: [] };
  if (repacked > 0) {
    const warning = `${repacked} matrices of GGUF types that MLX has not were repacked to 8 bits; quantize: false unpacks them fully`;
    return { prevailing: stored?.standard, warnings: [warning] };
  }
  if (stored !== undefined) return { prevailing: stored.standard, warnings: [] };
  const q = quantization(option);
  const done = quantize(model, q, (path) => model.quantizationOf(path));
  if (done.length === 0) return { prevailing: undefined, warnings: [] };
  const warning = `The model is not quantized and was quantized to ${q.bits} bits while loading; quantize: false keeps it as it is`;
  return { prevailing: q, warnings: [warning] };
};

/**
 * Makes the model compute in float32 on the CPU, where stock libmlx accumulates half-precision products in half
 * precision (up to 6 % error). The matrices of linear layers stay as stored: our kernels widen them as they read.
 */
const widenForCpu = (model: LanguageModel): void => {
  const stored = new Set<string>();
  for (const [path, module] of model.namedModules()) {
    if (!(module instanceof Linear)) continue;
    for (const name of ["weight", "scales", "biases"]) stored.add(`${path}.${name}`);
  }
  model.mapParameters((array, key) =>
    stored.has(key) || !mx.isFloating(array.dtype) ? array : array.astype(mx.float32),
  );
};

const chooseDtypes = (
  model: LanguageModel,
  checkpoint: Checkpoint,
  { device, exact }: AssembleOptions,
): void => {
  if (device === "cpu") widenForCpu(model);
  else if (exact) model.castFloating(mx.float32);
  else if (checkpoint.computeDtype !== undefined) model.castFloating(checkpoint.computeDtype);
};

/** Lets the quantized products of all forwards round their activations. */
const roundActivations = (model: LanguageModel): void => {
  const forward = model.forward.bind(model);
  model.forward = (...args) => withRoundedActivations(() => forward(...args));
};

/** Evaluates a few arrays at a time, so that copies and casts don't pile up. */
const evaluateAll = (model: LanguageModel): void => {
  for (const array of model.parameters().values()) mx.evaluate(array);
};

/**
 * A model filled with a checkpoint's weights, which it then owns.
 *
 * @throws {WeightsError} when the weights do not fit the model
 */
export const assembleModel = (
  architecture: BoundArchitecture,
  checkpoint: Checkpoint,
  options: AssembleOptions,
): AssembledModel => {
  const model = architecture.create();
  try {
    const weights = architecture.sanitize(checkpoint.weights);
    const used = new Set(weights.values());
    for (const array of checkpoint.weights.values()) if (!used.has(array)) array.dispose();
    expectQuantized(model, checkpoint, weights);
    model.loadWeights(weights);
    const { prevailing, warnings } = quantizeDense(model, checkpoint, options.quantize);
    chooseDtypes(model, checkpoint, options);
    evaluateAll(model);
    if (options.device === "cpu") moveToHugePages([...model.parameters().values()]);
    if (options.device === "cpu" && !options.exact) roundActivations(model);
    mx.clearCache();
    const unknown = architecture.unknownKeys.map(
      (key) => `config.json: the key ${key} is not known and was ignored`,
    );
    return { model, quantization: prevailing, warnings: [...warnings, ...unknown] };
  } catch (error) {
    for (const array of checkpoint.weights.values()) array.dispose();
    model.dispose();
    throw error;
  }
};
