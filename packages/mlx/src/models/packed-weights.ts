/** Weights as quantized checkpoints pack them, to dense ones and back. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { WeightsError } from "../errors.ts";

/** An affinely quantized matrix, or a stack of them. */
export interface PackedWeight {
  readonly weight: MxArray;
  readonly scales: MxArray;
  readonly biases: MxArray;
  readonly groupSize: number;
  readonly bits: number;
}

/**
 * Takes the layer at `path` out of the weights; undefined where it is dense.
 *
 * @param inputDims - the length of a dense row, which tells bits and group size
 * @throws {WeightsError} when it is quantized, but not affinely
 */
export const takePacked = (
  weights: Map<string, MxArray>,
  path: string,
  inputDims: number,
): PackedWeight | undefined => {
  const [weight, scales, biases] = ["weight", "scales", "biases"].map((part) =>
    weights.get(`${path}.${part}`),
  );
  if (weight === undefined || scales === undefined) return undefined;
  if (biases === undefined) throw new WeightsError(`Cannot dequantize ${path}: it has scales but no biases`);
  for (const part of ["weight", "scales", "biases"]) weights.delete(`${path}.${part}`);
  return {
    weight,
    scales,
    biases,
    groupSize: inputDims / scales.dim(-1),
    bits: (weight.dim(-1) * 32) / inputDims,
  };
};

/** The dense form, in the dtype of the scales. */
export const unpack = ({ weight, scales, biases, groupSize, bits }: PackedWeight): MxArray =>
  mx.dequantize(weight, scales, biases, groupSize, bits);

/** The dense weight `key` quantized as `like` is, under its layer's keys. */
export const pack = (key: string, dense: MxArray, { groupSize, bits }: PackedWeight): [string, MxArray][] => {
  const path = key.replace(/\.weight$/, "");
  const names = ["weight", "scales", "biases"];
  return mx.quantize(dense, groupSize, bits).map((part, i) => [`${path}.${names[i]}`, part]);
};

/** Whether an array multiplies another as it is: one number, or one per matrix of a stack. */
const broadcasts = (a: readonly number[], b: readonly number[]): boolean =>
  a.length <= b.length && a.every((size, i) => size === 1 || size === b[i + b.length - a.length]);

/** Float8 bytes times a scale, one per matrix or per block of one, bfloat16. */
const unpackMatrix = (bytes: MxArray, scales: MxArray, block: number): MxArray => {
  const dense = mx.fromFp8(bytes, mx.bfloat16);
  if (broadcasts(scales.shape, bytes.shape)) return mx.multiply(dense, scales).astype(mx.bfloat16);
  const [rows = 0, columns = 0] = bytes.shape;
  const [blockRows = 0, blockColumns = 0] = scales.shape;
  const missing = [blockRows * block - rows, blockColumns * block - columns];
  const values = mx.pad(dense, [0, 1], [0, 0], missing);
  const blocks = mx.reshape(values, [blockRows, block, blockColumns, block]);
  const scaled = mx.multiply(blocks, mx.expandDims(scales, [1, 3]));
  const whole = mx.reshape(scaled, [blockRows * block, blockColumns * block]);
  return mx.index(whole, [0, rows], [0, columns]).astype(mx.bfloat16);
};

/** Every float8 matrix that has a `weight_scale_inv`, unpacked. */
export const unpackFp8Blocks = (
  weights: ReadonlyMap<string, MxArray>,
  block: number,
): Map<string, MxArray> => {
  const result = new Map(weights);
  for (const [key, scales] of weights) {
    if (!key.endsWith("_scale_inv")) continue;
    const name = key.slice(0, -"_scale_inv".length);
    const bytes = weights.get(name);
    if (bytes === undefined) throw new WeightsError(`The checkpoint has ${key} without ${name}`);
    result.delete(key);
    result.set(name, unpackMatrix(bytes, scales, block));
  }
  return result;
};

/** Rows and columns that share one float8 scale where a checkpoint has fewer scales than rows. */
const TILE = 32;

/** Float8 and float4 weights with a power of two (e8m0) per `scale`, in MLX's layout: `scales`, one per row. */
export const repackFloatScales = (weights: ReadonlyMap<string, MxArray>): Map<string, MxArray> => {
  const result = new Map(weights);
  for (const [key, scale] of weights) {
    const path = key.slice(0, -".scale".length);
    const bytes = weights.get(`${path}.weight`);
    if (!key.endsWith(".scale") || bytes === undefined) continue;
    const isExponent = scale.dtype === mx.uint8;
    const exponents = isExponent ? scale : mx.log2(scale.astype(mx.float32)).add(127).astype(mx.uint8);
    const rows = bytes.dim(-2);
    const isTiled = scale.dim(-2) !== rows;
    result.delete(key);
    result.set(`${path}.weight`, mx.view(bytes, mx.uint32));
    result.set(`${path}.scales`, isTiled ? mx.index(mx.repeat(exponents, TILE, -2), [0, rows]) : exponents);
  }
  return result;
};
