/** Decoders whose heads share one squeezed vector per position. */
import { concatenateInto, drop, map, reshaped, transposed, whenPresent } from "../../models/index.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { namedRopeScaling } from "./gguf-rope.ts";
import {
  always,
  correctionTensor,
  decoder,
  experts,
  expertTensors,
  type GgufConfig,
  type GgufRow,
  llamaTensors,
  ropeBase,
  sharedTensors,
  sizeOf,
} from "./gguf-row.ts";
import { convolution, logOfNegated, splitExperts } from "./restore.ts";
import { correctedGate, routed } from "./sparse-rows.ts";

const SQUEEZED = {
  attn_q_a: "self_attn.q_a_proj",
  attn_q_a_norm: "self_attn.q_a_layernorm",
  attn_q_b: "self_attn.q_b_proj",
  attn_kv_a_mqa: "self_attn.kv_a_proj_with_mqa",
  attn_kv_a_norm: "self_attn.kv_a_layernorm",
  attn_kv_b: "self_attn.kv_b_proj",
  attn_k_b: "self_attn.embed_q",
  attn_v_b: "self_attn.unembed_out",
};

const latentTensors = { ...llamaTensors, ...SQUEEZED };

/** Sizes of keys and values by head: older files have no keys of their own for them. */
const keyLength = (f: GgufFields): number =>
  f.optionalCount("attention.key_length_mla") ?? f.count("attention.key_length");
const valueLength = (f: GgufFields): number =>
  f.optionalCount("attention.value_length_mla") ?? f.count("attention.value_length");

const latent: GgufRow["config"] = {
  ...decoder,
  num_attention_heads: "attention.head_count",
  num_key_value_heads: "attention.head_count",
  rope_theta: ropeBase,
  kv_lora_rank: "attention.kv_lora_rank",
  q_lora_rank: (f) => f.optionalCount("attention.q_lora_rank") ?? null,
  qk_rope_head_dim: "rope.dimension_count",
  qk_nope_head_dim: (f) => keyLength(f) - f.count("rope.dimension_count"),
  v_head_dim: valueLength,
};

/** Files have either the expansion or its halves, some both. */
const oneExpansion = whenPresent<GgufConfig>(/\.embed_q\./, [drop(/kv_b_proj/)]);

/** The halves of the expansion, by head, in one matrix. */
const joinExpansion = [
  oneExpansion,
  map<GgufConfig>(/\.embed_q\.weight$/, [transposed(0, 2, 1)]),
  map<GgufConfig>(/\.(embed_q|unembed_out)\.weight$/, (c) => [reshaped(-1, sizeOf(c, "kv_lora_rank"))]),
  concatenateInto<GgufConfig>(
    /self_attn\.(?<part>embed_q|unembed_out)\./,
    "self_attn.kv_b_proj.",
    ["embed_q", "unembed_out"],
    (c) => sizeOf(c, "num_attention_heads"),
  ),
];

const HALVES = ["attn_k_b", "attn_v_b"];

const sparseLatentTensors = { ...latentTensors, ...expertTensors(), ...sharedTensors() };

/** DeepSeek 3 and what is built like it: Kimi K2, GLM 4.7 Flash. */
const deepseek3: GgufRow = {
  modelType: "deepseek_v3",
  config: { ...latent, ...routed, ...correctedGate, tie_word_embeddings: always(undefined) },
  tensors: { ...sparseLatentTensors, ...correctionTensor },
  rules: [oneExpansion, splitExperts],
};

const deepseek2: GgufRow = {
  modelType: "deepseek_v2",
  config: {
    ...latent,
    ...routed,
    ...correctedGate,
    tie_word_embeddings: always(undefined),
    norm_topk_prob: (f) => f.flag("expert_weights_norm"),
    topk_method: (f) =>
      (f.optionalCount("expert_group_count") ?? 1) > 1 ? "group_limited_greedy" : "greedy",
  },
  tensors: { ...sparseLatentTensors, attn_q: "self_attn.q_proj" },
  rules: [...joinExpansion, splitExperts],
  unpacked: HALVES,
};

/** Latent attention without experts. */
const youtu: GgufRow = {
  modelType: "youtu_llm",
  config: latent,
  tensors: latentTensors,
  rules: joinExpansion,
  unpacked: HALVES,
};

/** The epsilon of DeepSeek 3, which it has of every norm. */
const DEEPSEEK3_EPS = 1e-6;

const SIGMOID = 2;

const mistral4: GgufRow = {
  modelType: "mistral4",
  config: {
    ...latent,
    ...routed,
    ...correctedGate,
    rope_theta: always(undefined),
    rope_scaling: always(undefined),
    rope_parameters: (f) => ({
      rope_type: "default",
      ...namedRopeScaling(f),
      rope_theta: ropeBase(f),
      original_max_position_embeddings:
        f.optionalCount("attention.temperature_length") ??
        f.optionalCount("rope.scaling.original_context_length") ??
        f.count("context_length"),
      llama_4_scaling_beta: f.number("attention.temperature_scale") ?? 0,
    }),
  },
  tensors: sparseLatentTensors,
  rules: [oneExpansion, splitExperts],
};

const kimiLinear: GgufRow = {
  modelType: "kimi_linear",
  config: {
    ...latent,
    ...experts("num_experts", "num_experts_per_token"),
    max_position_embeddings: always(undefined),
    model_max_length: "context_length",
    head_dim: (f) => f.count("embedding_length") / f.count("attention.head_count"),
    q_lora_rank: always(undefined),
    num_shared_experts: "expert_shared_count?",
    first_k_dense_replace: (f) => f.number("leading_dense_block_count") ?? 0,
    routed_scaling_factor: (f) => f.number("expert_weights_scale") ?? 1,
    moe_renormalize: (f) => f.flag("expert_weights_norm") ?? true,
    moe_router_activation_func: (f) => (f.number("expert_gating_func") === 1 ? "softmax" : "sigmoid"),
    num_expert_group: "expert_group_count?",
    topk_group: "expert_group_used_count?",
    linear_attn_config: (f) => {
      const attends = f.counts("attention.head_count_kv").map((heads) => heads > 0);
      const numbers = (wanted: boolean) => attends.flatMap((yes, i) => (yes === wanted ? [i + 1] : []));
      return {
        kda_layers: numbers(false),
        full_attn_layers: numbers(true),
        num_heads: f.count("attention.head_count"),
        head_dim: f.count("kda.head_dim"),
        short_conv_kernel_size: f.count("ssm.conv_kernel"),
      };
    },
  },
  tensors: {
    ...sparseLatentTensors,
    attn_q: "self_attn.q_proj",
    ssm_conv1d_q: "self_attn.q_conv.conv",
    ssm_conv1d_k: "self_attn.k_conv.conv",
    ssm_conv1d_v: "self_attn.v_conv.conv",
    ssm_f_a: "self_attn.f_a_proj",
    ssm_f_b: "self_attn.f_b_proj",
    ssm_g_a: "self_attn.g_a_proj",
    ssm_g_b: "self_attn.g_b_proj",
    ssm_beta: "self_attn.b_proj",
    "ssm_a.": "self_attn.A_log",
    "ssm_dt.bias": "self_attn.dt_bias",
    ssm_norm: "self_attn.o_norm",
    "exp_probs_b.bias": "mlp.e_score_correction_bias",
  },
  rules: [
    oneExpansion,
    splitExperts,
    convolution(/_conv\.conv\.weight$/),
    map(/A_log$/, [reshaped(1, 1, -1, 1)]),
    logOfNegated(),
  ],
};

export const latentRows: Readonly<Record<string, GgufRow | ((f: GgufFields) => GgufRow)>> = {
  deepseek2: (f) => {
    if (f.optionalCount("expert_count") === undefined) return youtu;
    const isCorrected = f.number("expert_gating_func") === SIGMOID || f.hasLayerTensor("exp_probs_b.bias");
    if (!isCorrected) return deepseek2;
    const hasOneEps = f.number("attention.layer_norm_rms_epsilon") === DEEPSEEK3_EPS;
    return hasOneEps ? deepseek3 : { ...deepseek3, modelType: "glm4_moe_lite" }; // the same with its own epsilon
  },
  "kimi-linear": kimiLinear,
  mistral4,
  minicpm3: {
    modelType: "minicpm3",
    config: {
      ...latent,
      v_head_dim: always(undefined),
      qk_nope_head_dim: (f) => f.count("attention.key_length") - f.count("rope.dimension_count"),
      // llama.cpp's, which files don't say
      scale_emb: always(12),
      scale_depth: always(1.4),
      dim_model_base: always(256),
    },
    tensors: latentTensors,
  },
};
