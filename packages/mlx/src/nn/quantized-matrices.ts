import type { MxArray } from "../core/index.ts";
import { Linear } from "./linear.ts";
import type { MatrixLayer } from "./matrix-layer.ts";
import type { QuantizationMode } from "./quantization.ts";
import type { WeightUpdate } from "./weight-update.ts";

/** Quantized matrices as the operations over several of them take them. */
export interface QuantizedMatrices {
  /** Weights, scales and biases of each; scales again where there are no biases. */
  readonly arrays: MxArray[];
  readonly bits: number[];
  readonly groupSizes: number[];
  readonly modes: QuantizationMode[];
  /** What an adapter makes of each; empty where of none. */
  readonly updates: readonly (WeightUpdate | undefined)[];
}

/** Whether it multiplies as its class does: what extends that may do something else to its input. */
const isPlain = (layer: MatrixLayer): boolean =>
  !(layer instanceof Linear) || layer.forward === Linear.prototype.forward;

/** The matrices of layers; undefined unless all are quantized, and scaled by their groups alone. */
export const quantizedMatrices = (layers: readonly MatrixLayer[]): QuantizedMatrices | undefined => {
  if (!layers.every(isPlain)) return undefined;
  const updates = layers.map(({ update }) => update);
  const isUpdated = updates.some((update) => update !== undefined);
  const found: QuantizedMatrices = {
    ...{ arrays: [], bits: [], groupSizes: [], modes: [] },
    updates: isUpdated ? updates : [],
  };
  for (const { quantization: q, weight, scales, biases, global_scale } of layers) {
    const offsets = q?.mode === "affine" ? biases : scales;
    if (q === undefined || scales === undefined || offsets === undefined || global_scale !== undefined)
      return undefined;
    found.arrays.push(weight, scales, offsets);
    found.bits.push(q.bits);
    found.groupSizes.push(q.groupSize);
    found.modes.push(q.mode);
  }
  return found;
};

/** The same of layers that are all affine. */
export const affineMatrices = (layers: readonly MatrixLayer[]): QuantizedMatrices | undefined => {
  const areAffine = layers.every(({ quantization }) => quantization?.mode === "affine");
  return areAffine ? quantizedMatrices(layers) : undefined;
};
