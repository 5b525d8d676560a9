/** What llm-compressor writes: a container whose layers say by their arrays how they are packed. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { type Quantization, quantization } from "../../nn/index.ts";
import { affineLayer, repacked, unpackBits } from "./affine.ts";
import type { FormatSettings } from "./format-settings.ts";
import { dequantizeFp8 } from "./fp8.ts";
import { nvfp4Layer } from "./nvfp4.ts";
import type { ConvertedLayer, StoredLayer, WeightFormat } from "./weight-format.ts";

/** What most layers of each container format become. */
const STANDARDS: Readonly<Record<string, Partial<Quantization> | undefined>> = {
  "pack-quantized": { bits: 4, groupSize: 32 },
  "int-quantized": { bits: 8, groupSize: 128 },
  "nvfp4-pack-quantized": { mode: "nvfp4" },
  "mxfp4-pack-quantized": { mode: "mxfp4" },
  "mxfp8-quantized": { mode: "mxfp8" },
  "float-quantized": undefined,
  "naive-quantized": undefined,
  "mixed-precision": undefined,
  dense: undefined,
};

const FORMATS = Object.keys(STANDARDS);

/** Integers of 2, 4 or 8 bits in int32 words along the inputs, stored with half their range on top. */
const packedIntegers = (layer: StoredLayer): ConvertedLayer => {
  const words = mx.view(layer.get("weight_packed"), mx.uint32); // [N, K * bits / 32]
  const [, inputs = 0] = layer.get("weight_shape").astype(mx.int32).toArray() as number[];
  const bits = (words.dim(1) * 32) / inputs;
  if (![2, 4, 8].includes(bits)) throw layer.problem(`packs ${inputs} inputs into ${words.dim(1)} words`);
  const scales = layer.get("weight_scale"); // [N, G]
  const stored = layer.find("weight_zero_point"); // int32 [N * bits / 32, G]
  const zeros =
    stored === undefined
      ? 2 ** (bits - 1)
      : mx.transpose(unpackBits(mx.view(mx.contiguous(mx.transpose(stored)), mx.uint32), bits));
  const groupOf = layer.find("weight_g_idx");
  if (groupOf === undefined) return affineLayer({ packed: words, scales, zeros, bits, inputs });
  const ofInputs = (x: MxArray) => mx.take(x.astype(mx.float32), groupOf, 1);
  const q = unpackBits(words, bits).astype(mx.float32);
  const centred = typeof zeros === "number" ? q.subtract(zeros) : q.subtract(ofInputs(zeros));
  return repacked(centred.multiply(ofInputs(scales)));
};

/** int8 weights `[N, K]` with a scale per row or tensor. */
const bytes = (layer: StoredLayer, weight: MxArray): ConvertedLayer => {
  const [N = 1, K = 1] = weight.shape;
  const scales = layer.get("weight_scale");
  const zero = layer.find("weight_zero_point")?.astype(mx.float32).add(128) ?? 128;
  const shifted = weight.astype(mx.int32).add(128).astype(mx.uint8); // [N, K]
  const spread = (x: MxArray) => mx.broadcastTo(mx.reshape(x, [-1, 1]), [N, 1]);
  return affineLayer({
    packed: mx.view(shifted, mx.uint32),
    scales: mx.contiguous(spread(scales)),
    zeros: typeof zero === "number" ? zero : spread(zero),
    bits: 8,
    inputs: K,
  });
};

/** Weights that are not packed: int8, or float8 with scales as numbers or as exponents of two. */
const unpacked = (layer: StoredLayer, block: readonly number[]): ConvertedLayer | undefined => {
  const weight = layer.get("weight");
  const scales = layer.find("weight_scale");
  if (scales === undefined) return undefined;
  if (weight.dtype === mx.int8) return bytes(layer, weight);
  if (weight.dtype !== mx.uint8) return undefined;
  if (scales.dtype === mx.uint8) return { weight: mx.view(weight, mx.uint32), scales };
  return { weight: dequantizeFp8(weight, scales, block) };
};

const packed = (layer: StoredLayer): ConvertedLayer => {
  const weight = layer.get("weight_packed");
  if (weight.dtype !== mx.uint8) return packedIntegers(layer);
  const scales = layer.get("weight_scale");
  const divisor = layer.find("weight_global_scale");
  // a scale per 16 inputs is nvfp4's, per 32 mxfp4's
  if (divisor === undefined) return { weight: mx.view(weight, mx.uint32), scales };
  return nvfp4Layer(weight, scales, mx.divide(mx.array(1, mx.float32), divisor.astype(mx.float32)));
};

const PARTS = [
  "weight_packed",
  "weight_scale",
  "weight_zero_point",
  "weight_shape",
  "weight_g_idx",
  "weight_global_scale",
  "input_global_scale",
  "input_scale",
  "input_zero_point",
] as const;

/** The formats that a config with `quant_method: "compressed-tensors"` describes. @throws {ConfigError} for unknown ones */
export const compressedTensors = (settings: FormatSettings): WeightFormat[] => {
  const format = settings.oneOf("format", FORMATS, "dense");
  const block = settings.numbers("config_groups.group_0.weights.block_structure") ?? [128, 128];
  const preset = STANDARDS[format];
  const standard = preset === undefined ? undefined : quantization(preset);
  return [
    { standard, marker: "weight_packed", parts: PARTS, convert: packed },
    {
      standard,
      marker: "weight",
      parts: ["weight", ...PARTS],
      convert: (layer) => unpacked(layer, block),
    },
  ];
};
