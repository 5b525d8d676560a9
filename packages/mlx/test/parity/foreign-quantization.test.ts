import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { ConfigError, WeightsError } from "../../src/errors.ts";
import { readQuantizationConfig } from "../../src/load/quantization-config.ts";
import { rowDifference } from "./compare-logits.ts";
import { type ForeignLayer, logitsOf, randomWeights, tensorsOf } from "./foreign-model.ts";
import { decodeFloats, readGolden } from "./golden.ts";
import { restoreArray } from "./stored-array.ts";

const { cases } = readGolden<{ cases: ForeignLayer[] }>("foreign-quantization.json");

const storedWeights = ({ tensors }: ForeignLayer): Map<string, mx.MxArray> =>
  new Map(Object.entries(tensors).map(([part, stored]) => [`layer.${part}`, restoreArray(stored)]));

const convert = ({ config }: ForeignLayer, weights: ReadonlyMap<string, mx.MxArray>) =>
  readQuantizationConfig({ quantization_config: config }).convert?.(weights) ?? new Map(weights);

/** The dense matrix of converted arrays, by libmlx's own dequantization. */
const denseOf = (
  weights: ReadonlyMap<string, mx.MxArray>,
  [, inputs]: readonly [number, number],
): mx.MxArray => {
  const part = (name: string) => weights.get(`layer.${name}`);
  const [weight, scales] = [part("weight"), part("scales")];
  if (weight === undefined) throw new Error("no weight");
  if (scales === undefined) return weight.astype(mx.float32);
  const bits = (weight.dim(-1) * 32) / inputs;
  const groupSize = inputs / scales.dim(-1);
  const mode =
    scales.dtype !== mx.uint8 ? "affine" : bits === 8 ? "mxfp8" : groupSize === 16 ? "nvfp4" : "mxfp4";
  const values = mx.dequantize(weight, scales, part("biases"), groupSize, bits, mode, undefined, mx.float32);
  const factor = part("global_scale");
  return factor === undefined ? values : values.multiply(factor.multiply(1 / 2688));
};

const largest = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));

/** A step of 8 bits for what is repacked, rounding of stored dtypes for the rest. */
const toleranceOf = ({ name }: ForeignLayer): number => (/order|groups of 16/.test(name) ? 2 / 255 : 4e-3);

describe.each(cases)("$name", (layer) => {
  it("means the same weights in MLX's layout", () => {
    const weights = convert(layer, storedWeights(layer));
    const dense = denseOf(weights, layer.shape);
    expect(dense.shape).toEqual(layer.shape);
    const expected = decodeFloats(layer.dense);
    const difference = (dense.toTypedArray() as Float32Array).map((x, i) => x - (expected[i] ?? Number.NaN));
    expect(largest(difference) / largest(expected)).toBeLessThan(toleranceOf(layer));
  });

  it("leaves no array of the tool behind, and others alone", () => {
    const bias = mx.array([1, 2]);
    const stored = storedWeights(layer).set("layer.bias", bias).set("norm.weight", bias);
    const weights = convert(layer, stored.set("layer.k_scale", mx.array([1])));
    const allowed = ["weight", "scales", "biases", "global_scale", "bias"].map((part) => `layer.${part}`);
    expect([...weights.keys()].filter((key) => !allowed.includes(key))).toEqual(["norm.weight"]);
    expect(weights.get("layer.bias")).toBe(bias);
  });
});

const config = (quant_method: string, others: object) => ({
  quantization_config: { quant_method, ...others },
});

it.each([
  [config("bitsandbytes", { load_in_4bit: true }), "the quantization method bitsandbytes is not supported"],
  [config("gptq", { bits: 5 }), "expected one of 2, 3, 4, 8 for bits"],
  [config("gptq", { checkpoint_format: "marlin" }), "expected one of gptq, gptq_v2 for checkpoint_format"],
  [config("gptq", { group_size: "all" }), "expected a whole number for group_size"],
  [config("awq", { version: "gemv" }), "expected one of gemm for version"],
  [config("awq", { bits: 8 }), "expected one of 4 for bits"],
  [
    config("compressed-tensors", { format: "marlin-24" }),
    "for format of the quantization method compressed-tensors",
  ],
  [config("fp8", { weight_block_size: [0, 128] }), "a list of whole numbers for weight_block_size"],
  [config("modelopt", { quant_algo: "W4A8_AWQ" }), "expected one of NVFP4, FP8 for quant_algo"],
  [config("modelopt", {}), "for quant_algo of the quantization method modelopt but received nothing"],
])("refuses %j", (raw, message) => {
  expect(() => readQuantizationConfig(raw)).toThrow(ConfigError);
  expect(() => readQuantizationConfig(raw)).toThrow(message);
});

it("names a layer whose arrays are incomplete", () => {
  const [gptq] = cases;
  if (gptq === undefined) throw new Error("no cases");
  const weights = storedWeights(gptq);
  weights.delete("layer.scales");
  expect(() => convert(gptq, weights)).toThrow(WeightsError);
  expect(() => convert(gptq, weights)).toThrow("The quantized layer layer has no scales");
});

const LLAMA = {
  model_type: "llama",
  hidden_size: 128,
  num_hidden_layers: 1,
  intermediate_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  head_dim: 8,
  rms_norm_eps: 1e-5,
  vocab_size: 32,
};

const SHAPES = {
  "model.embed_tokens": [32, 128],
  "model.layers.0.input_layernorm": [128],
  "model.layers.0.post_attention_layernorm": [128],
  "model.layers.0.self_attn.k_proj": [32, 128],
  "model.layers.0.self_attn.v_proj": [32, 128],
  "model.layers.0.self_attn.o_proj": [128, 32],
  "model.layers.0.mlp.gate_proj": [64, 128],
  "model.layers.0.mlp.up_proj": [64, 128],
  "model.layers.0.mlp.down_proj": [128, 64],
  "model.norm": [128],
} as const;

it.each(cases.filter(({ shape }) => shape[0] === 32 && shape[1] === 128))(
  "loads a model with $name",
  async (layer) => {
    const logits = (isStored: boolean) =>
      logitsOf(
        { ...LLAMA, quantization_config: isStored ? layer.config : undefined },
        {
          ...randomWeights(SHAPES),
          ...tensorsOf(layer, "model.layers.0.self_attn.q_proj", isStored),
        },
      );
    // a layer read wrongly differs by about 1
    expect(rowDifference(await logits(true), await logits(false))).toBeLessThan(0.1);
  },
);
