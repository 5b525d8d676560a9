/** Models of real shapes with random weights: how fast they decode does not depend on what the weights say. */
import * as mx from "@abstractllm/mlx/core";
import { createModel, type LanguageModel } from "@abstractllm/mlx/models";
import { MatrixLayer, type Quantization } from "@abstractllm/mlx/nn";
import { assembleQuantized } from "../support/engine-internals.ts";

export const QUANTIZATION: Quantization = { groupSize: 64, bits: 4, mode: "affine" };

const llama = {
  model_type: "llama",
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  vocab_size: 128256,
  num_attention_heads: 32,
  num_key_value_heads: 8,
};

export const SMOLLM2 = {
  ...llama,
  rope_theta: 100000,
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
} as const;

export const LLAMA_1B = {
  ...llama,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  head_dim: 64,
} as const;

/** Qwen3-30B-A3B with 6 of its 48 layers. */
export const QWEN3_MOE = {
  model_type: "qwen3_moe",
  hidden_size: 2048,
  intermediate_size: 6144,
  moe_intermediate_size: 768,
  num_hidden_layers: 6,
  num_attention_heads: 32,
  num_key_value_heads: 4,
  head_dim: 128,
  num_experts: 128,
  num_experts_per_tok: 8,
  decoder_sparse_step: 1,
  mlp_only_layers: [],
  norm_topk_prob: true,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  vocab_size: 151936,
  tie_word_embeddings: false,
  max_position_embeddings: 40960,
} as const;

/** Configurations by name; `layers` of the last two are cut so that they fit beside other programs. */
export const SHAPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "Llama-3.2-1B": LLAMA_1B,
  "Llama-3.1-8B, 16 of 32 layers": {
    ...llama,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 16,
    tie_word_embeddings: false,
  },
  "Qwen3-30B-A3B, 6 of 48 layers": QWEN3_MOE,
};

const PATTERN_SIZE = 2 ** 20;

/** A long pattern again and again, in any shape. */
const repeated = (pattern: mx.MxArray, shape: readonly number[]): mx.MxArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  const all = mx.tile(pattern, [Math.ceil(size / PATTERN_SIZE)]);
  return mx.reshape(mx.slice(all, [0], [size]), shape);
};

/** Scales and biases keep values between -1 and 1 of the model's width. */
const fillValue = (key: string): number => {
  if (key.endsWith(".scales")) return 0.004;
  return key.endsWith(".biases") ? -0.03 : 1;
};

type Parameter = Pick<mx.MxArray, "shape" | "dtype">;

/** Random values for the parameters of a model. */
export interface RandomParameters {
  /** An array that fits the parameter, evaluated, for its caller to dispose. */
  create(key: string, parameter: Parameter): mx.MxArray;
  dispose(): void;
}

/** @param float - of everything but the words of quantized matrices */
export const randomParameters = (float: mx.Dtype): RandomParameters => {
  const integers = Uint32Array.from({ length: PATTERN_SIZE }, () => Math.floor(Math.random() * 2 ** 32));
  const words = mx.array(integers, mx.uint32);
  const floats = mx.tidy(() => mx.astype(mx.multiply(mx.random.normal([PATTERN_SIZE]), 0.02), float));
  const values = (key: string, { shape, dtype }: Parameter): mx.MxArray => {
    if (dtype === mx.uint32) return repeated(words, shape);
    const isMatrix = key.endsWith(".weight") && shape.length > 1;
    return isMatrix ? repeated(floats, shape) : mx.full(shape, fillValue(key), float);
  };
  return {
    create: (key, parameter) => {
      const array = mx.tidy(() => values(key, parameter));
      mx.evaluate(array);
      return array;
    },
    dispose: () => {
      words.dispose();
      floats.dispose();
    },
  };
};

/** The layers of a model without its weights. @param quantized - as `QUANTIZATION` says; default true */
export const createTemplate = async (
  config: Readonly<Record<string, unknown>>,
  quantized = true,
): Promise<LanguageModel> => {
  const template = await createModel(config);
  for (const [, layer] of quantized ? template.namedModules() : []) {
    if (layer instanceof MatrixLayer) layer.expectQuantized(QUANTIZATION);
  }
  return template;
};

/** A quantized model of this shape. */
export const createShape = async (
  config: Readonly<Record<string, unknown>>,
  device: mx.Device,
): Promise<LanguageModel> => {
  mx.setDefaultDevice(device);
  const template = await createTemplate(config);
  const random = randomParameters(mx.float16);
  const weights = new Map(
    [...template.parameters()].map(([key, parameter]) => [key, random.create(key, parameter)]),
  );
  template.dispose();
  random.dispose();
  return assembleQuantized(config, weights, QUANTIZATION, device);
};

/** Bytes of weights that one token reads: of experts those asked, of the embedding only when it is the output layer. */
export const bytesPerToken = (model: LanguageModel, config: Readonly<Record<string, unknown>>): number => {
  const asked = Number(config.num_experts_per_tok ?? 1) / Number(config.num_experts ?? 1);
  let bytes = 0;
  for (const [path, layer] of model.namedModules()) {
    const isRead = !path.endsWith("embed_tokens") || config.tie_word_embeddings !== false;
    if (!(layer instanceof MatrixLayer) || !isRead) continue;
    const size = layer.ownParameters().reduce((sum, [, array]) => sum + array.nbytes, 0);
    bytes += layer.weight.ndim === 3 ? size * asked : size;
  }
  return bytes;
};
