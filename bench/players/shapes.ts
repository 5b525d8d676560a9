/** Models of real shapes with random weights: how fast they decode does not depend on what the weights say. */
import * as mx from "@abstractllm/mlx/core";
import { createModel, type LanguageModel } from "@abstractllm/mlx/models";
import { Embedding, MatrixLayer, type Quantization } from "@abstractllm/mlx/nn";
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

const gemma3 = {
  model_type: "gemma3_text",
  num_attention_heads: 4,
  num_key_value_heads: 1,
  head_dim: 256,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 1000000,
  rope_local_base_freq: 10000,
  sliding_window: 512,
  sliding_window_pattern: 6,
  vocab_size: 262144,
  tie_word_embeddings: false, // random weights come with a head, and then that is read
  max_position_embeddings: 32768,
};

const qwen35 = {
  model_type: "qwen3_5_text",
  hidden_size: 1024,
  intermediate_size: 3584,
  num_hidden_layers: 24,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 256,
  linear_num_value_heads: 16,
  linear_num_key_heads: 16,
  linear_key_head_dim: 128,
  linear_value_head_dim: 128,
  linear_conv_kernel_dim: 4,
  full_attention_interval: 4,
  rms_norm_eps: 1e-6,
  rope_theta: 10000000,
  partial_rotary_factor: 0.25,
  vocab_size: 248320,
  tie_word_embeddings: true,
  max_position_embeddings: 262144,
};

const gemma4 = {
  model_type: "gemma4_text",
  head_dim: 256,
  global_head_dim: 512,
  rms_norm_eps: 1e-6,
  vocab_size: 262144,
  tie_word_embeddings: false, // as of Gemma 3
  max_position_embeddings: 131072,
};

/** Granite 4 H: one layer of ten attends, the others go on from states. */
const graniteHybrid = {
  model_type: "granitemoehybrid",
  hidden_size: 1536,
  num_attention_heads: 12,
  num_key_value_heads: 4,
  rms_norm_eps: 1e-5,
  vocab_size: 100352,
  max_position_embeddings: 131072,
  mamba_n_heads: 48,
  mamba_d_head: 64,
  mamba_d_state: 128,
  mamba_n_groups: 1,
  mamba_d_conv: 4,
  mamba_conv_bias: true,
  attention_multiplier: 0.0078125,
  embedding_multiplier: 12,
  residual_multiplier: 0.22,
  logits_scaling: 6,
  attention_bias: false,
  position_embedding_type: "nope",
  tie_word_embeddings: true,
};

const hybridLayers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => (i % 10 === 5 ? "attention" : "mamba"));

/** Small models of many families, as their configs have them; layers of larger ones are cut. */
export const FAMILIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "Llama 3.2 1B": LLAMA_1B,
  "Gemma 3 1B": { ...gemma3, hidden_size: 1152, intermediate_size: 6912, num_hidden_layers: 26 },
  "Gemma 3 270M": { ...gemma3, hidden_size: 640, intermediate_size: 2048, num_hidden_layers: 18 },
  "Qwen3 0.6B": {
    model_type: "qwen3",
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    rms_norm_eps: 1e-6,
    rope_theta: 1000000,
    vocab_size: 151936,
    tie_word_embeddings: true,
    max_position_embeddings: 40960,
  },
  "Qwen3.5 0.8B": { model_type: "qwen3_5", text_config: qwen35, tie_word_embeddings: true },
  "Qwen3.5 35B A3B, 8 of 40 layers": {
    model_type: "qwen3_5_moe",
    text_config: {
      ...qwen35,
      model_type: "qwen3_5_moe_text",
      hidden_size: 2048,
      num_hidden_layers: 8,
      num_attention_heads: 16,
      linear_num_value_heads: 32,
      num_experts: 256,
      num_experts_per_tok: 8,
      moe_intermediate_size: 512,
      shared_expert_intermediate_size: 512,
      tie_word_embeddings: false,
    },
    tie_word_embeddings: false,
  },
  "Gemma 4 E2B": {
    ...gemma4,
    hidden_size: 1536,
    intermediate_size: 6144,
    num_hidden_layers: 35,
    num_attention_heads: 8,
    num_key_value_heads: 1,
    num_kv_shared_layers: 20,
    hidden_size_per_layer_input: 256,
    vocab_size_per_layer_input: 32768, // of 262,144: one row is read
    sliding_window: 512,
    sliding_window_pattern: 5,
    use_double_wide_mlp: true,
  },
  "Gemma 4 26B A4B, 6 of 30 layers": {
    ...gemma4,
    hidden_size: 2816,
    intermediate_size: 2112,
    num_hidden_layers: 6,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    num_global_key_value_heads: 2,
    num_kv_shared_layers: 0,
    hidden_size_per_layer_input: 0,
    sliding_window: 1024,
    sliding_window_pattern: 6,
    attention_k_eq_v: true,
    use_double_wide_mlp: false,
    enable_moe_block: true,
    num_experts: 128,
    top_k_experts: 8,
    moe_intermediate_size: 704,
  },
  "Phi 4 mini, 12 of 32 layers": {
    model_type: "phi3",
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 12,
    num_attention_heads: 24,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    vocab_size: 200064,
    rope_theta: 10000,
    partial_rotary_factor: 0.75,
    max_position_embeddings: 131072,
    original_max_position_embeddings: 4096,
    tie_word_embeddings: true,
  },
  "LFM2 1.2B": {
    model_type: "lfm2",
    hidden_size: 2048,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    norm_eps: 1e-5,
    vocab_size: 65536,
    max_position_embeddings: 128000,
    conv_bias: false,
    conv_L_cache: 3,
    block_dim: 2048,
    block_ff_dim: 12288,
    block_multiple_of: 256,
    block_ffn_dim_multiplier: 1,
    block_auto_adjust_ff_dim: true,
    full_attn_idxs: [2, 5, 8, 10, 12, 14],
    rope_theta: 1000000,
  },
  "SmolLM3 3B, 12 of 36 layers": {
    model_type: "smollm3",
    hidden_size: 2048,
    intermediate_size: 11008,
    num_hidden_layers: 12,
    num_attention_heads: 16,
    num_key_value_heads: 4,
    rms_norm_eps: 1e-6,
    rope_theta: 5000000,
    vocab_size: 128256,
    max_position_embeddings: 65536,
    tie_word_embeddings: true,
    no_rope_layer_interval: 4,
    no_rope_layers: [1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0],
  },
  "Granite 3.3 2B, 10 of 40 layers": {
    model_type: "granite",
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 10,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    rms_norm_eps: 1e-5,
    rope_theta: 10000000,
    vocab_size: 49159,
    max_position_embeddings: 131072,
    logits_scaling: 8,
    attention_multiplier: 0.015625,
    embedding_multiplier: 12,
    residual_multiplier: 0.22,
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: true,
  },
  "Granite 4 H 1B, 20 of 40 layers": {
    ...graniteHybrid,
    num_hidden_layers: 20,
    layer_types: hybridLayers(20),
    intermediate_size: 4096,
    shared_intermediate_size: 4096,
  },
  "Granite 4 H Tiny, 10 of 40 layers": {
    ...graniteHybrid,
    num_hidden_layers: 10,
    layer_types: hybridLayers(10),
    intermediate_size: 512,
    shared_intermediate_size: 1024,
    num_local_experts: 64,
    num_experts_per_tok: 6,
  },
  "Falcon H1 1.5B, 12 of 24 layers": {
    model_type: "falcon_h1",
    hidden_size: 2048,
    intermediate_size: 4096,
    num_hidden_layers: 12,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    head_dim: 128,
    vocab_size: 65537,
    mamba_d_conv: 4,
    mamba_d_head: 64,
    mamba_d_ssm: 3072,
    mamba_d_state: 256,
    mamba_n_groups: 1,
    mamba_n_heads: 48,
    max_position_embeddings: 131072,
    rms_norm_eps: 1e-5,
    rope_theta: 100000000000,
    tie_word_embeddings: false,
  },
  "LFM2 350M": {
    model_type: "lfm2",
    vocab_size: 65536,
    hidden_size: 1024,
    num_hidden_layers: 16,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    max_position_embeddings: 128000,
    norm_eps: 1e-5,
    conv_bias: false,
    conv_L_cache: 3,
    block_dim: 1024,
    block_ff_dim: 6656,
    block_multiple_of: 256,
    block_ffn_dim_multiplier: 1,
    block_auto_adjust_ff_dim: true,
    full_attn_idxs: [2, 5, 8, 10, 12, 14],
  },
  "GLM 4.7 Flash, 8 of 47 layers, 16 of 64 experts": {
    model_type: "glm4_moe_lite",
    hidden_size: 2048,
    intermediate_size: 10240,
    moe_intermediate_size: 1536,
    num_hidden_layers: 8,
    num_attention_heads: 20,
    num_key_value_heads: 20,
    n_shared_experts: 1,
    n_routed_experts: 16,
    num_experts_per_tok: 4,
    routed_scaling_factor: 1.8,
    kv_lora_rank: 512,
    q_lora_rank: 768,
    qk_rope_head_dim: 64,
    v_head_dim: 256,
    qk_nope_head_dim: 192,
    n_group: 1,
    topk_group: 1,
    first_k_dense_replace: 1,
    norm_topk_prob: true,
    vocab_size: 154880,
    rms_norm_eps: 1e-5,
    rope_theta: 1000000,
    attention_bias: false,
    max_position_embeddings: 202752,
    tie_word_embeddings: false,
  },
  "gpt-oss 20B, 4 of 24 layers": {
    model_type: "gpt_oss",
    hidden_size: 2880,
    intermediate_size: 2880,
    num_hidden_layers: 4,
    num_attention_heads: 64,
    num_key_value_heads: 8,
    head_dim: 64,
    num_local_experts: 32,
    num_experts_per_tok: 4,
    rms_norm_eps: 1e-5,
    rope_theta: 150000,
    sliding_window: 128,
    layer_types: ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
    vocab_size: 201088,
    tie_word_embeddings: false,
    max_position_embeddings: 131072,
    rope_scaling: {
      rope_type: "yarn",
      factor: 32,
      beta_fast: 32,
      beta_slow: 1,
      original_max_position_embeddings: 4096,
      truncate: false,
    },
  },
  "OLMo 3 7B, 8 of 32 layers": {
    model_type: "olmo3",
    hidden_size: 4096,
    intermediate_size: 11008,
    num_hidden_layers: 8,
    num_attention_heads: 32,
    num_key_value_heads: 32,
    rms_norm_eps: 1e-6,
    vocab_size: 100278,
    rope_theta: 500000,
    max_position_embeddings: 65536,
    sliding_window: 4096,
    tie_word_embeddings: false,
  },
  "EXAONE 4 1.2B": {
    model_type: "exaone4",
    hidden_size: 2048,
    intermediate_size: 4096,
    num_hidden_layers: 30,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    vocab_size: 102400,
    rope_theta: 1000000,
    max_position_embeddings: 65536,
    tie_word_embeddings: true,
  },
  "Hunyuan 1.8B": {
    model_type: "hunyuan_v1_dense",
    hidden_size: 2048,
    intermediate_size: 6144,
    num_hidden_layers: 32,
    num_attention_heads: 16,
    num_key_value_heads: 4,
    head_dim: 128,
    rms_norm_eps: 1e-5,
    vocab_size: 120832,
    rope_theta: 10000,
    rope_scaling: { type: "dynamic", factor: 1, alpha: 1000 },
    max_position_embeddings: 262144,
    tie_word_embeddings: true,
  },
  "Nemotron 3 Nano, 16 of 52 layers, half its experts": {
    model_type: "nemotron_h",
    hybrid_override_pattern: "MEMEM*EMEMEM*EME",
    hidden_size: 2688,
    intermediate_size: 1856,
    num_attention_heads: 32,
    num_key_value_heads: 2,
    head_dim: 128,
    attention_bias: false,
    mamba_num_heads: 64,
    mamba_head_dim: 64,
    mamba_proj_bias: false,
    ssm_state_size: 128,
    conv_kernel: 4,
    n_groups: 8,
    mlp_bias: false,
    use_bias: false,
    use_conv_bias: true,
    layer_norm_epsilon: 1e-5,
    n_routed_experts: 64,
    n_shared_experts: 1,
    num_experts_per_tok: 6,
    moe_intermediate_size: 1856,
    moe_shared_expert_intermediate_size: 3712,
    norm_topk_prob: true,
    routed_scaling_factor: 2.5,
    vocab_size: 131072,
    max_position_embeddings: 262144,
    tie_word_embeddings: false,
  },
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
  const text = (config.text_config ?? config) as Readonly<Record<string, unknown>>;
  const experts = text.num_experts ?? text.num_local_experts ?? text.n_routed_experts ?? 1;
  const asked = Number(text.num_experts_per_tok ?? text.top_k_experts ?? 1) / Number(experts);
  let bytes = 0;
  for (const [path, layer] of model.namedModules()) {
    const isHead = path.endsWith("embed_tokens") && config.tie_word_embeddings !== false;
    const isRead = !(layer instanceof Embedding) || isHead;
    if (!(layer instanceof MatrixLayer) || !isRead) continue;
    const size = layer.ownParameters().reduce((sum, [, array]) => sum + array.nbytes, 0);
    const isOfExperts = layer.weight.ndim === 3 && layer.weight.dim(0) === Number(experts); // others are of heads
    bytes += isOfExperts ? size * asked : size;
  }
  return bytes;
};
