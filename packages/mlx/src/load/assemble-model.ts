import { MultiLinear, SwitchLinear } from "../blocks/index.ts";
import { withRoundedActivations } from "../core/cpu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type MovedMatrix, moveToHugePages } from "../core/mapped.ts";
import type { BoundArchitecture, LanguageModel } from "../models/index.ts";
import {
  Embedding,
  Linear,
  MatrixLayer,
  type Module,
  type Quantization,
  quantization,
  quantize,
  storedQuantization,
} from "../nn/index.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface AssembleOptions {
  /** Quantize a dense checkpoint, and what a GGUF file had quantized in ways MLX has not. */
  quantize: Partial<Quantization> | undefined;
  /** Float32 everywhere. */
  exact: boolean;
  device: mx.Device;
}

/** What a checkpoint fills. */
interface FillableModel extends Module {
  quantizationOf(path: string): boolean | Partial<Quantization>;
}

export interface AssembledModel<M extends Module = LanguageModel> {
  model: M;
  /** The prevailing quantization; undefined for a dense model. */
  quantization: Quantization | undefined;
  /** What was decided for the user. */
  warnings: string[];
}

/** The quantization that a layer's arrays tell. */
const quantizationIn = (
  weights: ReadonlyMap<string, MxArray>,
  path: string,
  layer: MatrixLayer,
): Quantization | undefined => {
  const [weight, scales] = [weights.get(`${path}.weight`), weights.get(`${path}.scales`)];
  if (weight === undefined || scales === undefined) return undefined;
  return storedQuantization(weight, scales, layer.matrixShape.at(-1) ?? 0);
};

/** Prepares the layers that the checkpoint stores quantized. */
const expectQuantized = (
  model: Module,
  checkpoint: Checkpoint,
  weights: ReadonlyMap<string, MxArray>,
): void => {
  const { quantization: stored } = checkpoint;
  if (stored === undefined) return;
  for (const [path, layer] of model.namedModules()) {
    if (!(layer instanceof MatrixLayer) || !weights.has(`${path}.scales`)) continue;
    const own = stored.layers.get(path);
    if (own === false) continue;
    layer.expectQuantized(own ?? quantizationIn(weights, path, layer) ?? stored.standard);
    if (weights.has(`${path}.global_scale`)) layer.expectGlobalScale();
  }
};

/** The architecture with what sees images, where the checkpoint holds the weights of that. */
const seeing = (architecture: BoundArchitecture, { weights }: Checkpoint): BoundArchitecture => {
  const { vision } = architecture;
  const hasVision = vision !== undefined && [...weights.keys()].some((key) => vision.weights.test(key));
  return hasVision ? vision.bind() : architecture;
};

/** Quantizes what the options ask for; returns the prevailing quantization and what to tell the user. */
const quantizeDense = (
  model: FillableModel,
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

/** Whether only products and lookups of rows read the layer's matrix. */
const isReadByKernels = (module: Module): boolean =>
  [Linear, Embedding, SwitchLinear, MultiLinear].some((kind) => module instanceof kind);

/**
 * Makes the model compute in float32 on the CPU, where stock libmlx accumulates half-precision products in half
 * precision (up to 6 % error). The matrices of linear layers, embeddings, heads and experts stay as stored: our kernels widen them
 * as they read.
 */
const widenForCpu = (model: Module): void => {
  const stored = new Set<string>();
  for (const [path, module] of model.namedModules()) {
    if (module instanceof Embedding) module.giveRowsIn(mx.float32);
    if (!isReadByKernels(module)) continue;
    for (const name of ["weight", "scales", "biases"]) stored.add(`${path}.${name}`);
  }
  model.mapParameters((array, key) =>
    stored.has(key) || !mx.isFloating(array.dtype) ? array : array.astype(mx.float32),
  );
};

const chooseDtypes = (model: Module, checkpoint: Checkpoint, { device, exact }: AssembleOptions): void => {
  if (device === "cpu") widenForCpu(model);
  else if (exact) model.castFloating(mx.float32);
  else if (checkpoint.computeDtype !== undefined) model.castFloating(checkpoint.computeDtype);
};

/** Lets the quantized products of all forwards round their activations. */
const roundActivations = (model: LanguageModel): void => {
  const forward = model.forward.bind(model);
  model.forward = (...args) => withRoundedActivations(() => forward(...args));
};

/** The matrices that only products and lookups of rows read. Exact products of many rows want them as they are. */
const affineMatrices = (model: Module): MovedMatrix[] =>
  [...model.namedModules()].flatMap(([, module]) => {
    if (!isReadByKernels(module) || !(module instanceof MatrixLayer)) return [];
    const { quantization: q, weight, scales, biases } = module;
    if (q?.mode !== "affine" || scales === undefined || biases === undefined) return [];
    return [{ weight, scales, biases, bits: q.bits, groupSize: q.groupSize }];
  });

/** Evaluates a few arrays at a time, so that copies and casts don't pile up. */
const evaluateAll = (model: Module): void => {
  for (const array of model.parameters().values()) mx.evaluate(array);
};

/**
 * A model filled with a checkpoint's weights, which it then owns. Its quantized products keep all bits of activations.
 *
 * @param choose - gives the architecture; the weights are freed when it throws as well
 * @throws {WeightsError} when the weights do not fit the model
 */
export const fillModel = <M extends FillableModel>(
  choose: () => BoundArchitecture<M>,
  checkpoint: Checkpoint,
  options: AssembleOptions,
): AssembledModel<M> => {
  let model: M | undefined;
  try {
    const architecture = choose();
    model = architecture.create();
    const weights = architecture.sanitize(checkpoint.weights);
    const used = new Set(weights.values());
    for (const array of checkpoint.weights.values()) if (!used.has(array)) array.dispose();
    expectQuantized(model, checkpoint, weights);
    model.loadWeights(weights);
    const { prevailing, warnings } = quantizeDense(model, checkpoint, options.quantize);
    chooseDtypes(model, checkpoint, options);
    evaluateAll(model);
    if (options.device === "cpu")
      moveToHugePages([...model.parameters().values()], options.exact ? [] : affineMatrices(model));
    mx.clearCache();
    const unknown = architecture.unknownKeys.map(
      (key) => `config.json: the key ${key} is not known and was ignored`,
    );
    return { model, quantization: prevailing, warnings: [...warnings, ...unknown] };
  } catch (error) {
    for (const array of checkpoint.weights.values()) array.dispose();
    model?.dispose();
    throw error;
  }
};

/** A language model filled with a checkpoint's weights, which it then owns. @throws as {@link fillModel} */
export const assembleModel = (
  ofText: BoundArchitecture,
  checkpoint: Checkpoint,
  options: AssembleOptions,
): AssembledModel => {
  const assembled = fillModel(() => seeing(ofText, checkpoint), checkpoint, options);
  if (options.device === "cpu" && !options.exact) roundActivations(assembled.model);
  return assembled;
};
