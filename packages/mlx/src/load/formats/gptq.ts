/** GPTQ: integers packed along the inputs, groups in any order. @see AutoGPTQ and GPTQModel */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { quantization } from "../../nn/index.ts";
import { affineGroup, affineLayer, repacked, unpackBits } from "./affine.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { ConvertedLayer, StoredLayer, WeightFormat } from "./weight-format.ts";

const BITS = [2, 3, 4, 8] as const;

/** Whether input `k` belongs to group `k / size` throughout. */
const isInOrder = (groups: ArrayLike<number>, size: number): boolean =>
  Array.from(groups).every((group, k) => group === Math.floor(k / size));

/** The format that a config with `quant_method: "gptq"` describes. @throws {ConfigError} for kinds that are not read */
export const gptq = (settings: FormatSettings): WeightFormat => {
  const bits = settings.oneOf("bits", BITS, 4);
  const kind = settings.oneOf("checkpoint_format", ["gptq", "gptq_v2"] as const, "gptq");
  const groupSize = settings.number("group_size", 128);
  // the first kind stores zero points less one
  const zeroOffset = kind === "gptq" ? 1 : 0;

  /** Zero points `[N, G]`. */
  const zeroPoints = (layer: StoredLayer): MxArray | number => {
    const stored = layer.find("qzeros"); // int32 [G, N * bits / 32]
    if (stored === undefined) return 2 ** (bits - 1);
    const zeros = unpackBits(mx.view(stored, mx.uint32), bits);
    const shifted = mx.bitwiseAnd(
      zeros.add(mx.array(zeroOffset, mx.uint32)),
      mx.array(2 ** bits - 1, mx.uint32),
    );
    return mx.transpose(shifted);
  };

  const inAnyOrder = (layer: StoredLayer, packed: MxArray, groupOf: MxArray): ConvertedLayer => {
    const q = unpackBits(packed, bits).astype(mx.float32); // [N, K]
    const ofInputs = (x: MxArray) => mx.take(x.astype(mx.float32), groupOf, 1); // [N, G] -> [N, K]
    const zeros = zeroPoints(layer);
    const centred = typeof zeros === "number" ? q.subtract(zeros) : q.subtract(ofInputs(zeros));
    return repacked(centred.multiply(ofInputs(mx.transpose(layer.get("scales")))));
  };

  return {
    standard: quantization({ bits, groupSize: affineGroup(groupSize > 0 ? groupSize : 128) ?? 32 }),
    marker: "qweight",
    parts: ["qweight", "qzeros", "scales", "g_idx"],
    convert(layer) {
      const words = mx.view(layer.get("qweight"), mx.uint32); // [K * bits / 32, N]
      const packed = mx.contiguous(mx.transpose(words));
      const inputs = (words.dim(0) * 32) / bits;
      const scales = layer.get("scales"); // [G, N]
      const groupOf = layer.find("g_idx"); // [K]
      if (groupOf !== undefined && groupOf.size === inputs) {
        const order = groupOf.astype(mx.int32).toTypedArray() as Int32Array;
        if (!isInOrder(order, inputs / scales.dim(0))) return inAnyOrder(layer, packed, groupOf);
      }
      return affineLayer({
        packed,
        scales: mx.contiguous(mx.transpose(scales)),
        zeros: zeroPoints(layer),
        bits,
        inputs,
      });
    },
  };
};
