/** Weights as quantized checkpoints pack them, to dense ones and back. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { WeightsError } from "../errors.ts";
import { type Quantization, scaledBy, storedQuantization, type WeightMatrix } from "../nn/index.ts";

const PARTS = ["weight", "scales", "biases", "global_scale"] as const;

/** A quantized matrix, or a stack of them. */
export interface PackedWeight {
  readonly parts: WeightMatrix & { readonly scales: MxArray };
  readonly quantization: Quantization;
}

/**
 * Takes the layer at `path` out of the weights; undefined where it is dense.
 *
 * @param inputDims - the length of a dense row, which tells bits and group size
 * @throws {WeightsError} when it is quantized in a way that MLX has not
 */
export const takePacked = (
  weights: Map<string, MxArray>,
  path: string,
  inputDims: number,
): PackedWeight | undefined => {
  const part = (name: string) => weights.get(`${path}.${name}`);
  const [weight, scales, biases, global_scale] = PARTS.map(part);
  if (weight === undefined || scales === undefined) return undefined;
  const quantization = storedQuantization(weight, scales, inputDims);
  if (quantization === undefined) {
    throw new WeightsError(`Cannot dequantize ${path}: [${weight.shape}] with scales [${scales.shape}]`);
  }
  if (quantization.mode === "affine" && biases === undefined) {
    throw new WeightsError(`Cannot dequantize ${path}: it has scales but no biases`);
  }
  for (const name of PARTS) weights.delete(`${path}.${name}`);
  const parts = { weight, scales, ...(biases && { biases }), ...(global_scale && { global_scale }) };
  return { parts, quantization };
};

/** The dense form: of affine weights in the dtype of the scales, of floats bfloat16. */
export const unpack = ({ parts, quantization: q }: PackedWeight): MxArray => {
  const { weight, scales, biases, global_scale } = parts;
  if (q.mode === "affine") return mx.dequantize(weight, scales, biases, q.groupSize, q.bits);
  const dense = mx.dequantize(weight, scales, null, q.groupSize, q.bits, q.mode, null, mx.float32);
  return (global_scale === undefined ? dense : scaledBy(dense, global_scale)).astype(mx.bfloat16);
};

/** The dense weight `key` quantized as `like` is, under its layer's keys; as it is where that was floats. */
export const pack = (key: string, dense: MxArray, { quantization: q }: PackedWeight): [string, MxArray][] => {
  if (q.mode !== "affine") return [[key, dense]];
  const path = key.replace(/\.weight$/, "");
  return mx.quantize(dense, q.groupSize, q.bits).map((part, i) => [`${path}.${PARTS[i]}`, part]);
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
