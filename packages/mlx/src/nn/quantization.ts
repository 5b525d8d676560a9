/** How a weight matrix is quantized, and the two products with it. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";

/** How weights of a group are stored: integers with scale and bias, or floats with a shared scale. */
export type QuantizationMode = "affine" | "mxfp4" | "nvfp4" | "mxfp8";

/** Groups of `groupSize` weights share a scale; each weight takes `bits`. */
export interface Quantization {
  readonly groupSize: number;
  readonly bits: number;
  readonly mode: QuantizationMode;
}

const fixed: Partial<Record<QuantizationMode, Omit<Quantization, "mode">>> = {
  mxfp4: { groupSize: 32, bits: 4 },
  nvfp4: { groupSize: 16, bits: 4 },
  mxfp8: { groupSize: 32, bits: 8 },
};

/** Whether MLX has such a quantization. */
const isQuantization = ({ groupSize, bits, mode }: Quantization): boolean => {
  const preset = fixed[mode];
  if (preset !== undefined) return preset.groupSize === groupSize && preset.bits === bits;
  return mode === "affine" && [32, 64, 128].includes(groupSize) && [2, 3, 4, 5, 6, 8].includes(bits);
};

/**
 * A checked quantization; missing parts take MLX's defaults (affine: 64 and 4).
 *
 * @throws {InvalidArgumentError} on a group size, bits or mode that MLX does not have
 */
export const quantization = (
  { groupSize, bits, mode = "affine" }: Partial<Quantization> = {},
  where = "quantization",
): Quantization => {
  const preset = fixed[mode];
  const result = { groupSize: groupSize ?? preset?.groupSize ?? 64, bits: bits ?? preset?.bits ?? 4, mode };
  if (!isQuantization(result)) {
    throw new InvalidArgumentError(
      `Expected for ${where} mode affine with groups of 32, 64 or 128 and 2, 3, 4, 5, 6 or 8 bits, or mxfp4 (32, 4), ` +
        `nvfp4 (16, 4), mxfp8 (32, 8), but received mode ${mode} with groups of ${result.groupSize} and ${result.bits} bits`,
    );
  }
  return result;
};

/** A weight `[N, K]`, dense or quantized; biases are absent in the fp modes. */
export interface WeightMatrix {
  weight: MxArray;
  scales?: MxArray;
  biases?: MxArray;
  /** The largest weight of the matrix, or of each one in a stack, where nvfp4 scales are relative to it. */
  global_scale?: MxArray;
}

/**
 * The quantization that the shapes and dtype of stored arrays tell, where MLX has one like that.
 *
 * @param inputs - the length of a dense row
 * @see mlx-lm 0.32.2 utils.py infer_quant_config
 */
export const storedQuantization = (
  weight: MxArray,
  scales: MxArray,
  inputs: number,
): Quantization | undefined => {
  if (weight.ndim < 2 || scales.ndim < 2) return undefined;
  const groupSize = inputs / scales.dim(-1);
  const bits = (weight.dim(-1) * 32) / inputs;
  const modes: readonly QuantizationMode[] =
    scales.dtype === mx.uint8 ? ["mxfp4", "nvfp4", "mxfp8"] : ["affine"];
  const mode = modes.find((candidate) => isQuantization({ groupSize, bits, mode: candidate }));
  return mode === undefined ? undefined : { groupSize, bits, mode };
};

/** What scales are relative to without a `global_scale`: the largest nibble (6) times the largest scale (448). */
export const NVFP4_LARGEST = 6 * 448;

/**
 * nvfp4 weights, or a product with them, brought to the scale of their matrix.
 *
 * @param globalScale - float32, broadcasts with `x`
 */
export const scaledBy = (x: MxArray, globalScale: MxArray): MxArray =>
  mx.multiply(x, globalScale.multiply(1 / NVFP4_LARGEST)).astype(x.dtype);

/** `x [..., K] @ weight.T -> [..., N]`. */
export const matmulTransposed = (x: MxArray, w: WeightMatrix, q: Quantization | undefined): MxArray => {
  if (q === undefined || w.scales === undefined) return mx.matmul(x, mx.transpose(w.weight));
  const product = mx.quantizedMatmul(x, w.weight, w.scales, w.biases, true, q.groupSize, q.bits, q.mode);
  return w.global_scale === undefined ? product : scaledBy(product, w.global_scale);
};

/** The quantized form of a dense `[N, K]`. */
export const quantizeMatrix = (weight: MxArray, q: Quantization): WeightMatrix => {
  const [packed, scales, biases] = mx.quantize(weight, q.groupSize, q.bits, q.mode);
  if (packed === undefined || scales === undefined)
    throw new InvalidArgumentError("quantize gave no weights");
  return { weight: packed, scales, ...(biases === undefined ? {} : { biases }) };
};

/** Placeholders in the shapes of a quantized `[N, K]`, to be filled by `loadWeights`. */
export const quantizedPlaceholder = (shape: readonly number[], q: Quantization): WeightMatrix => {
  const [rows = 0, columns = 0] = shape;
  if (columns % q.groupSize !== 0) {
    throw new InvalidArgumentError(
      `A row of ${columns} weights does not divide into groups of ${q.groupSize}`,
    );
  }
  const groups = [rows, columns / q.groupSize];
  const weight = mx.zeros([rows, (columns * q.bits) / 32], mx.uint32);
  if (q.mode !== "affine") return { weight, scales: mx.zeros(groups, mx.uint8) };
  return { weight, scales: mx.zeros(groups), biases: mx.zeros(groups) };
};
