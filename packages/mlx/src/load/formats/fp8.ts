/** Float8 (E4M3) weights with a scale for the tensor, each row, or each block of rows and columns. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { quantization } from "../../nn/index.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { ConvertedLayer, WeightFormat } from "./weight-format.ts";

/** Whether an array multiplies another as it is. */
const broadcasts = (a: readonly number[], b: readonly number[]): boolean =>
  a.length <= b.length && a.every((size, i) => size === 1 || size === b[i + b.length - a.length]);

/** `[..., N, K]` times a scale for each block of rows and columns; blocks at the edges may be cut off. */
const timesBlocks = (
  values: MxArray,
  scales: MxArray,
  [rows = 1, columns = 1]: readonly number[],
): MxArray => {
  const [R, C] = [scales.dim(-2), scales.dim(-1)];
  const stacks = values.shape.slice(0, -2);
  const missing = [R * rows - values.dim(-2), C * columns - values.dim(-1)];
  const whole = mx.pad(values, [-2, -1], [0, 0], missing);
  const blocks = mx.reshape(whole, [...stacks, R, rows, C, columns]);
  const scaled = mx.multiply(blocks, mx.reshape(scales, [...stacks, R, 1, C, 1]));
  const start = values.shape.map(() => 0);
  return mx.slice(mx.reshape(scaled, [...stacks, R * rows, C * columns]), start, values.shape);
};

/**
 * Dense bfloat16 of float8 bytes `[..., N, K]`.
 *
 * @param scales - one, one per row, one per matrix of a stack, or one per block
 * @param block - its rows and columns
 */
export const dequantizeFp8 = (weight: MxArray, scales: MxArray, block: readonly number[]): MxArray => {
  const values = mx.fromFp8(weight, mx.float32);
  const ofRows = scales.ndim === 1 && scales.size > 1 ? mx.expandDims(scales, 1) : scales;
  const factors = ofRows.astype(mx.float32);
  const scaled = broadcasts(factors.shape, values.shape)
    ? mx.multiply(values, factors)
    : timesBlocks(values, factors, block);
  return scaled.astype(mx.bfloat16);
};

/** Float8 bytes with power-of-two scales (E8M0 bytes) per block of 32 inputs are mxfp8 as they are. */
const mxfp8Layer = (weight: MxArray, scales: MxArray, rows: number): ConvertedLayer => ({
  weight: mx.view(weight, mx.uint32),
  scales: mx.slice(mx.repeat(scales, rows, 0), [0, 0], [weight.dim(0), scales.dim(1)]),
});

const BLOCK = 128;

/** The formats that a config with `quant_method: "fp8"` describes. */
export const fp8 = (settings: FormatSettings): WeightFormat[] => {
  const block = settings.numbers("weight_block_size") ?? [BLOCK, BLOCK];
  const [rows = BLOCK, columns = BLOCK] = block;
  const isMxfp8 = settings.text("scale_fmt") === "ue8m0" && columns === 32;
  const dense = (weight: MxArray, scales: MxArray): ConvertedLayer => ({
    weight: dequantizeFp8(weight, exponents(scales), block),
  });
  const modules: WeightFormat = {
    standard: isMxfp8 ? quantization({ mode: "mxfp8" }) : undefined,
    marker: "weight",
    parts: ["weight", "weight_scale_inv", "weight_scale", "input_scale", "activation_scale"],
    convert(layer) {
      const weight = layer.get("weight");
      const scales = layer.find("weight_scale_inv") ?? layer.find("weight_scale");
      if (scales === undefined || weight.dtype !== mx.uint8) return undefined;
      const isStored = isMxfp8 && scales.dtype === mx.uint8;
      return isStored ? mxfp8Layer(weight, scales, rows) : dense(weight, scales);
    },
  };
  const stacks: WeightFormat = {
    standard: undefined,
    isBare: true,
    marker: "scale_inv",
    parts: ["weight", "scale_inv", "activation_scale"],
    convert: (layer) => dense(layer.get("weight"), layer.get("scale_inv")),
  };
  return [modules, stacks];
};

/** E8M0 bytes are exponents of two, biased by 127. */
const exponents = (scales: MxArray): MxArray =>
  scales.dtype === mx.uint8
    ? mx.power(mx.array(2, mx.float32), scales.astype(mx.float32).subtract(127))
    : scales;
