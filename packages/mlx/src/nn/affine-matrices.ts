import type { MxArray } from "../core/index.ts";
import type { MatrixLayer } from "./matrix-layer.ts";

/** Affine matrices as the operations over several of them take them. */
export interface AffineMatrices {
  /** Weights, scales and biases of each. */
  readonly arrays: MxArray[];
  readonly bits: number[];
  readonly groupSizes: number[];
}

/** The matrices of layers; undefined unless all are quantized that way and no adapter updates one. */
export const affineMatrices = (layers: readonly MatrixLayer[]): AffineMatrices | undefined => {
  const found: AffineMatrices = { arrays: [], bits: [], groupSizes: [] };
  for (const { quantization: q, weight, scales, biases, update } of layers) {
    if (update !== undefined) return undefined;
    if (q?.mode !== "affine" || scales === undefined || biases === undefined) return undefined;
    found.arrays.push(weight, scales, biases);
    found.bits.push(q.bits);
    found.groupSizes.push(q.groupSize);
  }
  return found;
};
