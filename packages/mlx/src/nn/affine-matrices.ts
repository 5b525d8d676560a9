import type { MxArray } from "../core/index.ts";
import { Linear } from "./linear.ts";
import type { MatrixLayer } from "./matrix-layer.ts";
import type { WeightUpdate } from "./weight-update.ts";

/** Affine matrices as the operations over several of them take them. */
export interface AffineMatrices {
  /** Weights, scales and biases of each. */
  readonly arrays: MxArray[];
  readonly bits: number[];
  readonly groupSizes: number[];
  /** What an adapter makes of each; empty where of none. */
  readonly updates: readonly (WeightUpdate | undefined)[];
}

/** Whether it multiplies as its class does: what extends that may do something else to its input. */
const isPlain = (layer: MatrixLayer): boolean =>
  !(layer instanceof Linear) || layer.forward === Linear.prototype.forward;

/** The matrices of layers; undefined unless all are quantized that way. */
export const affineMatrices = (layers: readonly MatrixLayer[]): AffineMatrices | undefined => {
  if (!layers.every(isPlain)) return undefined;
  const updates = layers.map(({ update }) => update);
  const isUpdated = updates.some((update) => update !== undefined);
  const found: AffineMatrices = { arrays: [], bits: [], groupSizes: [], updates: isUpdated ? updates : [] };
  for (const { quantization: q, weight, scales, biases } of layers) {
    if (q?.mode !== "affine" || scales === undefined || biases === undefined) return undefined;
    found.arrays.push(weight, scales, biases);
    found.bits.push(q.bits);
    found.groupSizes.push(q.groupSize);
  }
  return found;
};
