/** BitNet: weights of -1, 0 and 1, four rows to a byte, and one scale for the matrix. @see mlx-lm 0.32.2 models/bitlinear_layers.py */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { quantization } from "../../nn/index.ts";
import { affineLayer } from "./affine.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { WeightFormat } from "./weight-format.ts";

const BITS = 2;
const PER_WORD = 32 / BITS;
const SMALLEST_GROUP = 32;

/** Weights plus one, uint32 `[N, K]`, from bytes `[N / 4, K]`: a byte has rows `n`, `n + N / 4`, `n + N / 2`, ... */
const unpackRows = (bytes: MxArray): MxArray => {
  const mask = mx.array(3, mx.uint32);
  const wide = bytes.astype(mx.uint32);
  const quarters = [0, 2, 4, 6].map((shift) => mx.rightShift(wide, mx.array(shift, mx.uint32)));
  return mx.concatenate(
    quarters.map((quarter) => mx.bitwiseAnd(quarter, mask)),
    0,
  );
};

/** Integers below 4, uint32 `[N, K]`, packed into uint32 `[N, K / 16]`, the lowest bits first. */
const packColumns = (values: MxArray): MxArray => {
  const shifts = Array.from({ length: PER_WORD }, (_, i) => i * BITS);
  const words = mx.reshape(values, [values.dim(0), -1, PER_WORD]);
  return mx.sum(mx.leftShift(words, mx.array(shifts, mx.uint32)), -1).astype(mx.uint32);
};

/** The format that a config with `quant_method: "bitnet"` describes. */
export const bitnet = (settings: FormatSettings): WeightFormat => {
  // `autobitlinear` multiplies by the scale; other layers divide by it, in float32 lest that rounds
  const multiplies = settings.text("linear_class") === "autobitlinear";
  const factorOf = (scale: MxArray): MxArray =>
    multiplies ? scale : mx.reciprocal(scale.astype(mx.float32));
  return {
    standard: quantization({ bits: BITS, groupSize: 128 }),
    marker: "weight_scale",
    parts: ["weight", "weight_scale"],
    convert(layer) {
      const bytes = layer.get("weight");
      if (bytes.dtype !== mx.uint8 || bytes.ndim !== 2) throw layer.problem("has no bytes of packed rows");
      const values = unpackRows(bytes);
      const [N = 0, K = 0] = values.shape;
      const factor = mx.reshape(factorOf(layer.get("weight_scale")), [1, 1]);
      if (K % SMALLEST_GROUP !== 0) {
        return { weight: values.astype(factor.dtype).subtract(1).multiply(factor) };
      }
      const scales = mx.contiguous(mx.broadcastTo(factor, [N, 1]));
      return affineLayer({ packed: packColumns(values), scales, zeros: 1, bits: BITS, inputs: K });
    },
  };
};
