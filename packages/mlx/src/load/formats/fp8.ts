/** Float8 (E4M3) weights with a scale for the tensor, each row, or each block of rows and columns. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { quantization } from "../../nn/index.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { ConvertedLayer, StoredLayer, WeightFormat } from "./weight-format.ts";

/** Scales `[N, K]` from one per block; blocks at the edges may be cut off. */
const perWeight = (scales: MxArray, [N = 1, K = 1]: readonly number[], block: readonly number[]): MxArray => {
  const [rows = 1, columns = 1] = block;
  const spread = mx.repeat(mx.repeat(scales, rows, 0), columns, 1);
  return mx.slice(spread, [0, 0], [N, K]);
};

/** Dense bfloat16 of float8 bytes `[N, K]`. @param block - rows and columns that share a scale; unused for one scale or one per row */
export const dequantizeFp8 = (weight: MxArray, scales: MxArray, block: readonly number[]): MxArray => {
  const values = mx.fromFp8(weight, mx.float32);
  const wide = scales.astype(mx.float32);
  const factor = wide.ndim === 2 && wide.dim(1) > 1 ? perWeight(wide, weight.shape, block) : columnOf(wide);
  return values.multiply(factor).astype(mx.bfloat16);
};

/** One scale, or one per row, so that it multiplies `[N, K]`. */
const columnOf = (scales: MxArray): MxArray =>
  scales.size === 1 ? mx.reshape(scales, []) : mx.reshape(scales, [-1, 1]);

/** Float8 bytes with power-of-two scales (E8M0 bytes) per block of 32 inputs are mxfp8 as they are. */
const mxfp8Layer = (weight: MxArray, scales: MxArray, rows: number): ConvertedLayer => ({
  weight: mx.view(weight, mx.uint32),
  scales: mx.slice(mx.repeat(scales, rows, 0), [0, 0], [weight.dim(0), scales.dim(1)]),
});

const BLOCK = 128;

/** The format that a config with `quant_method: "fp8"` describes. */
export const fp8 = (settings: FormatSettings): WeightFormat => {
  const block = settings.numbers("weight_block_size") ?? [BLOCK, BLOCK];
  const [rows = BLOCK, columns = BLOCK] = block;
  const isMxfp8 = settings.text("scale_fmt") === "ue8m0" && columns === 32;
  const scalesOf = (layer: StoredLayer) => layer.find("weight_scale_inv") ?? layer.find("weight_scale");
  return {
    standard: isMxfp8 ? quantization({ mode: "mxfp8" }) : undefined,
    marker: "weight",
    parts: ["weight", "weight_scale_inv", "weight_scale", "input_scale", "activation_scale"],
    convert(layer) {
      const weight = layer.get("weight");
      const scales = scalesOf(layer);
      if (scales === undefined || weight.dtype !== mx.uint8) return undefined;
      if (isMxfp8 && scales.dtype === mx.uint8) return mxfp8Layer(weight, scales, rows);
      return { weight: dequantizeFp8(weight, exponents(scales), block) };
    },
  };
};

/** E8M0 bytes are exponents of two, biased by 127. */
const exponents = (scales: MxArray): MxArray =>
  scales.dtype === mx.uint8
    ? mx.power(mx.array(2, mx.float32), scales.astype(mx.float32).subtract(127))
    : scales;
