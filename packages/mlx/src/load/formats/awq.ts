/** AWQ as AutoAWQ's GEMM kernels keep it: nibbles packed along the outputs, in an order of their own. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { quantization } from "../../nn/index.ts";
import { affineGroup, affineLayer, packNibbles } from "./affine.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { WeightFormat } from "./weight-format.ts";

/** Where the eight columns of a word lie in it. */
const ORDER = [0, 4, 1, 5, 2, 6, 3, 7] as const;

/** int32 `[R, C]` to its nibbles by column, uint32 `[R, 8 * C]`. */
const unpackColumns = (words: MxArray): MxArray => {
  const shifts = mx.array(
    ORDER.map((nibble) => 4 * nibble),
    mx.uint32,
  );
  const nibbles = mx.rightShift(mx.expandDims(mx.view(words, mx.uint32), -1), shifts); // [R, C, 8]
  return mx.reshape(mx.bitwiseAnd(nibbles, mx.array(15, mx.uint32)), [words.dim(0), -1]);
};

/** The format that a config with `quant_method: "awq"` describes. @throws {ConfigError} for kinds that are not read */
export const awq = (settings: FormatSettings): WeightFormat => {
  const bits = settings.oneOf("bits", [4] as const, 4);
  settings.oneOf("version", ["gemm"] as const, "gemm");
  const groupSize = settings.number("group_size", 128);
  return {
    standard: quantization({ bits, groupSize: affineGroup(groupSize > 0 ? groupSize : 128) ?? 32 }),
    marker: "qweight",
    parts: ["qweight", "qzeros", "scales"],
    convert(layer) {
      const columns = unpackColumns(layer.get("qweight")); // [K, N]
      const zeros = layer.find("qzeros"); // int32 [G, N / 8]
      return affineLayer({
        packed: packNibbles(mx.transpose(columns)),
        scales: mx.contiguous(mx.transpose(layer.get("scales"))),
        zeros: zeros === undefined ? 2 ** (bits - 1) : mx.transpose(unpackColumns(zeros)),
        bits,
        inputs: columns.dim(0),
      });
    },
  };
};
