/** Mixtures of experts. */
import { concatenateInto } from "../../models/index.ts";
import { llama } from "./dense-rows.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { ggufRopeScaling, namedRopeScaling } from "./gguf-rope.ts";
import {
  always,
  attentionTensors,
  correctionTensor,
  decoder,
  experts,
  expertTensors,
  expertWidth,
  type GgufRow,
  has,
  headed,
  headNormTensors,
  layerCount,
  layerTypes,
  llamaTensors,
  partialRope,
  postAttentionTensors,
  ropeBase,
  ropeDims,
  sharedTensors,
  sharedWidth,
  topTensors,
} from "./gguf-row.ts";
import { splitExperts, unpermute } from "./restore.ts";

const sparseTensors = { ...llamaTensors, ...expertTensors(), ...sharedTensors() };

/** Sigmoid gates with a correction, perhaps in groups. */
export const correctedGate: GgufRow["config"] = {
  n_group: (f) => f.optionalCount("expert_group_count") ?? 1,
  topk_group: (f) => f.optionalCount("expert_group_used_count") ?? 1,
  routed_scaling_factor: (f) => f.number("expert_weights_scale") ?? 1,
  norm_topk_prob: (f) => f.flag("expert_weights_norm") ?? false,
};

export const routed: GgufRow["config"] = {
  ...experts("n_routed_experts"),
  n_shared_experts: "expert_shared_count?",
  first_k_dense_replace: (f) => f.number("leading_dense_block_count") ?? 0,
};

const mixtral: GgufRow = {
  modelType: "mixtral",
  config: {
    ...decoder,
    num_local_experts: "expert_count",
    num_experts_per_tok: "expert_used_count",
  },
  tensors: {
    ...attentionTensors,
    ffn_norm: "post_attention_layernorm",
    ...expertTensors("block_sparse_moe"),
  },
  rules: [unpermute(), splitExperts],
};

const qwen2moe: GgufRow = {
  modelType: "qwen2_moe",
  config: {
    ...decoder,
    ...experts(),
    tie_word_embeddings: always(undefined),
    shared_expert_intermediate_size: sharedWidth,
  },
  tensors: {
    ...llamaTensors,
    ...expertTensors(),
    ...sharedTensors("mlp.shared_expert"),
    ffn_gate_inp_shexp: "mlp.shared_expert_gate",
  },
  rules: [splitExperts],
};

const qwen3moe: GgufRow = {
  modelType: "qwen3_moe",
  config: {
    ...headed,
    ...experts(),
    decoder_sparse_step: always(1),
    mlp_only_layers: always([]),
    norm_topk_prob: always(true),
  },
  tensors: { ...llamaTensors, ...headNormTensors, ...expertTensors() },
  rules: [splitExperts],
};

const graniteKeys: GgufRow["config"] = {
  attention_multiplier: "attention.scale",
  embedding_multiplier: "embedding_scale",
  residual_multiplier: "residual_scale",
  logits_scaling: "logit_scale",
};

/** Rotary settings of full and sliding layers. */
const ropeByKind = (f: GgufFields): Record<string, unknown> => ({
  full_attention: { rope_type: "default", ...namedRopeScaling(f), rope_theta: ropeBase(f) },
  sliding_attention: { rope_type: "default", rope_theta: f.number("rope.freq_base_swa") ?? ropeBase(f) },
});

/** Experts of the one Llama 4 whose queries and keys have no norms. */
const MAVERICK_EXPERTS = 128;

/** llama.cpp's layers of Laguna, which files don't say. */
const slidingButFirstOfFour = (f: GgufFields): string[] =>
  Array.from({ length: layerCount(f) }, (_, i) => (i % 4 === 0 ? "full_attention" : "sliding_attention"));

const lagunaRope = (f: GgufFields): Record<string, unknown> => {
  const dims = f.count("attention.key_length");
  const { full_attention, sliding_attention } = ropeByKind(f) as Record<string, Record<string, unknown>>;
  const part = (key: string): number => (f.optionalCount(key) ?? dims) / dims;
  return {
    full_attention: { ...full_attention, partial_rotary_factor: part("rope.dimension_count") },
    sliding_attention: { ...sliding_attention, partial_rotary_factor: part("rope.dimension_count_swa") },
  };
};

export const sparseRows: Readonly<Record<string, GgufRow | ((f: GgufFields) => GgufRow)>> = {
  afmoe: {
    modelType: "afmoe",
    config: {
      ...headed,
      ...experts(),
      num_shared_experts: (f) => (sharedWidth(f) ?? 0) / (expertWidth(f) ?? 1),
      num_dense_layers: (f) => f.number("leading_dense_block_count") ?? 0,
      route_scale: "expert_weights_scale",
      route_norm: (f) => f.flag("expert_weights_norm") ?? true,
      score_func: (f) => (f.number("expert_gating_func") === 1 ? "softmax" : "sigmoid"),
      n_group: "expert_group_count?",
      topk_group: "expert_group_used_count?",
      sliding_window: "attention.sliding_window",
      layer_types: (f) =>
        layerTypes(f) ??
        Array.from({ length: layerCount(f) }, (_, i) =>
          (i + 1) % 4 === 0 ? "full_attention" : "sliding_attention",
        ),
    },
    tensors: {
      ...llamaTensors,
      ...headNormTensors,
      attn_gate: "self_attn.gate_proj",
      post_attention_norm: "post_attention_layernorm",
      ffn_norm: "pre_mlp_layernorm",
      post_ffw_norm: "post_mlp_layernorm",
      ...expertTensors("mlp", "mlp.experts"),
      ffn_gate_inp: "mlp.router.gate",
      ...sharedTensors(),
      "exp_probs_b.bias": "mlp.expert_bias",
    },
    rules: [splitExperts],
  },
  bailingmoe: {
    modelType: "bailing_moe",
    config: {
      ...decoder,
      ...experts(),
      num_shared_experts: "expert_shared_count",
      norm_topk_prob: (f) => f.flag("expert_weights_norm") ?? false,
      first_k_dense_replace: (f) => f.number("leading_dense_block_count") ?? 0,
    },
    top: { ...topTensors, token_embd: "model.word_embeddings" },
    tensors: {
      ...sparseTensors,
      attn_q: "attention.q_proj",
      attn_k: "attention.k_proj",
      attn_v: "attention.v_proj",
      attn_output: "attention.dense",
      ffn_gate_inp: "mlp.gate.gate_proj",
    },
    rules: [
      unpermute(),
      concatenateInto(/attention\.(?<part>[qkv])_proj\./, "attention.query_key_value.", ["q", "k", "v"]),
      splitExperts,
    ],
  },
  bailingmoe2: {
    modelType: "bailing_moe",
    config: {
      ...decoder,
      ...partialRope,
      ...experts(),
      ...correctedGate,
      num_shared_experts: "expert_shared_count",
      moe_shared_expert_intermediate_size: (f) => {
        const shared = f.count("expert_shared_count");
        return (sharedWidth(f) ?? 0) / shared;
      },
      first_k_dense_replace: (f) => f.number("leading_dense_block_count") ?? 0,
      use_qk_norm: has("attn_q_norm.weight"),
      moe_router_enable_expert_bias: has("exp_probs_b.bias"),
      score_function: (f) => (f.number("expert_gating_func") === 2 ? "sigmoid" : "softmax"),
    },
    top: { ...topTensors, token_embd: "model.word_embeddings" },
    tensors: {
      ...sparseTensors,
      attn_qkv: "attention.query_key_value",
      attn_q_norm: "attention.query_layernorm",
      attn_k_norm: "attention.key_layernorm",
      attn_output: "attention.dense",
      ffn_gate_inp: "mlp.gate.gate_proj",
      "exp_probs_b.bias": "mlp.gate.expert_bias",
    },
    rules: [splitExperts],
  },
  deepseek: {
    modelType: "deepseek",
    config: { ...decoder, ...routed, tie_word_embeddings: always(undefined) },
    tensors: sparseTensors,
    rules: [unpermute(), splitExperts],
  },
  dots1: {
    modelType: "dots1",
    config: { ...headed, ...routed, ...correctedGate },
    tensors: {
      ...sparseTensors,
      ...headNormTensors,
      ...expertTensors("mlp", "mlp.experts"),
      ...correctionTensor,
    },
    rules: [splitExperts],
  },
  "ernie4_5-moe": {
    modelType: "ernie4_5_moe",
    config: {
      ...decoder,
      ...experts("moe_num_experts", "moe_k"),
      use_bias: has("attn_q.bias"),
      moe_layer_start_index: (f) => f.number("leading_dense_block_count") ?? 0,
      moe_layer_interval: (f) => f.optionalCount("interleave_moe_layer_step") ?? 1,
      moe_num_shared_experts: (f) => f.number("expert_shared_count") ?? 0,
    },
    tensors: { ...sparseTensors, "exp_probs_b.bias": null }, // mlx-lm leaves the correction out
    rules: [splitExperts],
  },
  "exaone-moe": {
    modelType: "exaone_moe",
    config: {
      ...headed,
      ...experts(),
      ...correctedGate,
      num_shared_experts: "expert_shared_count?",
      sliding_window: "attention.sliding_window",
      layer_types: layerTypes,
      is_moe_layer: (f) => {
        const dense = f.number("leading_dense_block_count") ?? 0;
        return Array.from({ length: layerCount(f) }, (_, i) => i >= dense);
      },
    },
    tensors: { ...sparseTensors, ...headNormTensors, ...correctionTensor },
    rules: [splitExperts],
  },
  glm4moe: {
    modelType: "glm4_moe",
    config: {
      ...headed,
      ...partialRope,
      ...routed,
      ...correctedGate,
      tie_word_embeddings: always(undefined),
      attention_bias: has("attn_q.bias"),
      use_qk_norm: has("attn_q_norm.weight"),
    },
    tensors: { ...sparseTensors, ...headNormTensors, ...postAttentionTensors, ...correctionTensor },
    rules: [splitExperts],
  },
  "gpt-oss": {
    modelType: "gpt_oss",
    config: {
      ...headed,
      tie_word_embeddings: always(undefined),
      num_local_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
      intermediate_size: expertWidth,
      sliding_window: "attention.sliding_window",
    },
    tensors: {
      ...attentionTensors,
      ...postAttentionTensors,
      ...expertTensors("mlp", "mlp.experts"),
      "attn_sinks.weight": "self_attn.sinks",
      ffn_gate_inp: "mlp.router",
    },
    rules: [splitExperts],
  },
  granitemoe: {
    modelType: "granitemoe",
    config: {
      ...decoder,
      ...graniteKeys,
      attention_bias: has("attn_q.bias"),
      num_local_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
    },
    tensors: {
      ...attentionTensors,
      ffn_norm: "post_attention_layernorm",
      ...expertTensors("block_sparse_moe"),
      ffn_gate_inp: "block_sparse_moe.router.layer",
    },
    rules: [unpermute(), splitExperts],
  },
  "hunyuan-moe": {
    modelType: "hunyuan",
    config: {
      ...decoder,
      ...experts("num_experts", "moe_topk"),
      num_shared_expert: "expert_shared_count",
      use_mixed_mlp_moe: has("ffn_up_shexp.weight"),
      use_qk_norm: has("attn_q_norm.weight"),
      attention_bias: has("attn_q.bias"),
      use_cla: always(false),
      cla_share_factor: always(1),
      // what its scaling makes of the base is in the base
      rope_scaling: always({ type: "dynamic", alpha: 1, factor: 1 }),
    },
    tensors: {
      ...llamaTensors,
      attn_q_norm: "self_attn.query_layernorm",
      attn_k_norm: "self_attn.key_layernorm",
      ...expertTensors(),
      ffn_gate_inp: "mlp.gate.wg",
      ...sharedTensors("mlp.shared_mlp"),
    },
    rules: [splitExperts],
  },
  laguna: {
    modelType: "laguna",
    config: {
      ...headed,
      ...experts(),
      num_attention_heads: (f) => Math.max(...f.counts("attention.head_count")),
      num_attention_heads_per_layer: (f) => f.counts("attention.head_count"),
      head_dim: "attention.key_length",
      rope_theta: always(undefined),
      rope_scaling: always(undefined),
      rope_parameters: lagunaRope,
      attention_bias: has("attn_output.bias"),
      qkv_bias: has("attn_q.bias"),
      gating: has("attn_gate.weight"),
      sliding_window: "attention.sliding_window",
      layer_types: (f) => layerTypes(f) ?? slidingButFirstOfFour(f),
      mlp_layer_types: (f) =>
        Array.from({ length: layerCount(f) }, (_, i) =>
          i < (f.number("leading_dense_block_count") ?? 0) ? "dense" : "sparse",
        ),
      shared_expert_intermediate_size: sharedWidth,
      moe_routed_scaling_factor: "expert_weights_scale?",
    },
    tensors: {
      ...llamaTensors,
      ...headNormTensors,
      attn_gate: "self_attn.g_proj",
      ...expertTensors(),
      ffn_gate_inp: "mlp.gate.proj",
      ...sharedTensors("mlp.shared_expert"),
      ...correctionTensor,
    },
    rules: [splitExperts],
  },
  llama: (f) => (f.optionalCount("expert_count") === undefined ? llama : mixtral),
  llama4: {
    modelType: "llama4",
    isNested: true,
    config: {
      ...headed,
      tie_word_embeddings: always(undefined),
      attention_bias: has("attn_q.bias"),
      attention_chunk_size: always(8192), // llama.cpp's, which files don't say
      interleave_moe_layer_step: "interleave_moe_layer_step",
      intermediate_size: expertWidth,
      intermediate_size_mlp: "feed_forward_length",
      num_local_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
      use_qk_norm: (f) => f.count("expert_count") !== MAVERICK_EXPERTS,
    },
    layers: "language_model.model.layers",
    top: {
      token_embd: "language_model.model.embed_tokens",
      output_norm: "language_model.model.norm",
      output: "language_model.lm_head",
    },
    tensors: {
      ...attentionTensors,
      ffn_norm: "post_attention_layernorm",
      ffn_gate: "feed_forward.gate_proj",
      ffn_up: "feed_forward.up_proj",
      ffn_down: "feed_forward.down_proj",
      ...expertTensors("feed_forward", "feed_forward.experts"),
      ffn_gate_inp: "feed_forward.router",
      ...sharedTensors("feed_forward.shared_expert"),
    },
    rules: [splitExperts],
  },
  mellum: {
    modelType: "mellum",
    config: {
      ...headed,
      ...experts(),
      rope_theta: always(undefined),
      rope_scaling: always(undefined),
      rope_parameters: ropeByKind,
      norm_topk_prob: (f) => f.flag("expert_weights_norm") ?? true,
      sliding_window: "attention.sliding_window",
      layer_types: layerTypes,
    },
    tensors: { ...llamaTensors, ...headNormTensors, ...expertTensors() },
    rules: [splitExperts],
  },
  "minimax-m2": {
    modelType: "minimax_m2",
    config: {
      ...headed,
      num_local_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
      shared_intermediate_size: always(0),
      rope_theta: ropeBase,
      rotary_dim: ropeDims,
    },
    tensors: {
      ...llamaTensors,
      ...headNormTensors,
      ...expertTensors("block_sparse_moe"),
      "exp_probs_b.bias": "block_sparse_moe.e_score_correction_bias",
    },
    rules: [splitExperts],
  },
  olmoe: {
    modelType: "olmoe",
    config: {
      ...decoder,
      num_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
      attention_bias: has("attn_q.bias"),
    },
    tensors: { ...llamaTensors, ...headNormTensors, ...expertTensors() },
    rules: [splitExperts],
  },
  phimoe: {
    modelType: "phimoe",
    config: {
      ...decoder,
      tie_word_embeddings: always(undefined),
      num_local_experts: "expert_count",
      num_experts_per_tok: "expert_used_count",
      original_max_position_embeddings: "rope.scaling.original_context_length?",
      rope_scaling: (f) => {
        const factor = f.number("rope.scaling.attn_factor") ?? 1;
        const scaling = ggufRopeScaling(f);
        return scaling && { ...scaling, short_mscale: factor, long_mscale: factor };
      },
    },
    tensors: {
      ...attentionTensors,
      ffn_norm: "post_attention_layernorm",
      ...expertTensors("block_sparse_moe"),
    },
    rules: [splitExperts],
  },
  qwen2moe,
  qwen3moe,
  qwen3vlmoe: qwen3moe,
};
