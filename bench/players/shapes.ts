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

/** Configurations by name; `layers` of the last two are cut so that they fit beside other programs. */
export const SHAPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "Llama-3.2-1B": {
    ...llama,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    head_dim: 64,
  },
  "Llama-3.1-8B, 16 of 32 layers": {
    ...llama,
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 16,
    tie_word_embeddings: false,
  },
  "Qwen3-30B-A3B, 6 of 48 layers": {
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
  },
};

const PATTERN_WORDS = 2 ** 20;

/** Random words in any shape: a long pattern again and again. */
const randomWords = (pattern: mx.MxArray, shape: readonly number[]): mx.MxArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  const repeated = mx.tile(pattern, [Math.ceil(size / PATTERN_WORDS)]);
  return mx.reshape(mx.slice(repeated, [0], [size]), shape);
};

/** Scales and biases keep values between -1 and 1 of the model's width. */
const fillValue = (key: string): number => {
  if (key.endsWith(".scales")) return 0.004;
  return key.endsWith(".biases") ? -0.03 : 1;
};

/** A quantized model of this shape. */
export const createShape = async (
  config: Readonly<Record<string, unknown>>,
  device: mx.Device,
): Promise<LanguageModel> => {
  mx.setDefaultDevice(device);
  const template = await createModel(config);
  for (const [, layer] of template.namedModules()) {
    if (layer instanceof MatrixLayer) layer.expectQuantized(QUANTIZATION);
  }
  const words = Uint32Array.from({ length: PATTERN_WORDS }, () => Math.floor(Math.random() * 2 ** 32));
  const pattern = mx.array(words, mx.uint32);
  const weights = new Map<string, mx.MxArray>();
  for (const [key, { shape, dtype }] of template.parameters()) {
    const array = mx.tidy(() =>
      dtype === mx.uint32 ? randomWords(pattern, shape) : mx.full(shape, fillValue(key), mx.float16),
    );
    mx.evaluate(array);
    weights.set(key, array);
  }
  template.dispose();
  pattern.dispose();
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
