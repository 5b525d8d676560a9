/** Decoders with state spaces, linear attention or convolutions. */
import { concatenateInto, map, splitInto } from "../../models/index.ts";
import type { GgufFields } from "./gguf-fields.ts";
import {
  always,
  attentionTensors,
  decoder,
  experts,
  expertTensors,
  type GgufConfig,
  type GgufRow,
  has,
  headDim,
  headed,
  headNormTensors,
  layerCount,
  llamaTensors,
  mlpTensors,
  normEps,
  partialRope,
  postAttentionTensors,
  ropeBase,
  sharedTensors,
  sharedWidth,
  sizeOf,
} from "./gguf-row.ts";
import { byKeyHead, convolution, flattened, logOfNegated, splitExperts, unpermute } from "./restore.ts";

/** Layers that attend, which have key heads. */
const attends = (f: GgufFields): boolean[] =>
  f
    .counts("attention.head_count_kv")
    .slice(0, layerCount(f))
    .map((heads) => heads > 0);

const keyHeads = (f: GgufFields): number => Math.max(...f.counts("attention.head_count_kv"));

const attendingLayers = (f: GgufFields): number[] => attends(f).flatMap((yes, i) => (yes ? [i] : []));

const mambaHeadDim = (f: GgufFields): number => f.count("ssm.inner_size") / f.count("ssm.time_step_rank");

const mambaTensors = (mixer: string): Record<string, string> => ({
  ssm_in: `${mixer}.in_proj`,
  ssm_conv1d: `${mixer}.conv1d`,
  ssm_x: `${mixer}.x_proj`,
  ssm_dt: `${mixer}.dt_proj`,
  "ssm_a.": `${mixer}.A_log`,
  "ssm_d.": `${mixer}.D`,
  ssm_out: `${mixer}.out_proj`,
});

/** Mamba 2 steps by head, with a norm before its output. */
const mamba2Tensors = (mixer: string): Record<string, string> => ({
  ...mambaTensors(mixer),
  "ssm_dt.bias": `${mixer}.dt_bias`,
  ssm_norm: `${mixer}.norm`,
});

const mambaRules = [convolution(), logOfNegated()];
const mamba2Rules = [convolution(), flattened(/(A_log|\.D|(mamba|mixer)\.norm\.weight)$/), logOfNegated()];

const mamba2Keys = {
  conv_kernel: "ssm.conv_kernel",
  n_groups: "ssm.group_count",
  use_conv_bias: has("ssm_conv1d.bias"),
  use_bias: has("ssm_in.bias"),
};

const backbone = { token_embd: "backbone.embeddings", output_norm: "backbone.norm_f", output: "lm_head" };

const lfm2Keys: GgufRow["config"] = {
  hidden_size: "embedding_length",
  num_hidden_layers: layerCount,
  num_attention_heads: "attention.head_count",
  num_key_value_heads: keyHeads,
  vocab_size: decoder.vocab_size ?? "vocab_size",
  max_position_embeddings: "context_length",
  norm_eps: "attention.layer_norm_rms_epsilon",
  rope_theta: ropeBase,
  conv_bias: has("shortconv.conv.bias"),
  conv_L_cache: "shortconv.l_cache",
  full_attn_idxs: attendingLayers,
};

const lfm2Tensors = {
  ...attentionTensors,
  attn_norm: "operator_norm",
  attn_output: "self_attn.out_proj",
  attn_q_norm: "self_attn.q_layernorm",
  attn_k_norm: "self_attn.k_layernorm",
  ffn_norm: "ffn_norm",
  "shortconv.conv": "conv.conv",
  "shortconv.in_proj": "conv.in_proj",
  "shortconv.out_proj": "conv.out_proj",
};

const lfm2Top = {
  token_embd: "model.embed_tokens",
  token_embd_norm: "model.embedding_norm",
  output_norm: "model.embedding_norm",
};

const lfm2Convolution = convolution(/conv\.conv\.weight$/);

const deltaKeys: GgufRow["config"] = {
  ...headed,
  ...partialRope,
  linear_num_value_heads: "ssm.time_step_rank",
  linear_num_key_heads: "ssm.group_count",
  linear_key_head_dim: "ssm.state_size",
  linear_value_head_dim: mambaHeadDim,
  linear_conv_kernel_dim: "ssm.conv_kernel",
  full_attention_interval: "full_attention_interval?",
};

const deltaTensors = {
  ...llamaTensors,
  ...headNormTensors,
  ...postAttentionTensors,
  ssm_conv1d: "linear_attn.conv1d",
  "ssm_a.": "linear_attn.A_log",
  "ssm_dt.bias": "linear_attn.dt_bias",
  ssm_norm: "linear_attn.norm",
  ssm_out: "linear_attn.out_proj",
};

const sharedExpertTensors = {
  ...expertTensors(),
  ...sharedTensors("mlp.shared_expert"),
  ffn_gate_inp_shexp: "mlp.shared_expert_gate",
};

const keyDims = (c: GgufConfig): number =>
  sizeOf(c, "linear_num_key_heads") * sizeOf(c, "linear_key_head_dim");

const valueDims = (c: GgufConfig): number =>
  sizeOf(c, "linear_num_value_heads") * sizeOf(c, "linear_value_head_dim");

const heads = (axis: 0 | -1) => (c: GgufConfig) => [
  byKeyHead(sizeOf(c, "linear_num_key_heads"), sizeOf(c, "linear_num_value_heads"), axis),
];

/** Value heads take turns over the key heads in the file; here those of a key head lie together. */
const valueHeadRules = [
  splitInto<GgufConfig>(
    /linear_attn\.(?=in_proj_qkv\.|conv1d\.)/,
    ["linear_attn.keys.", "linear_attn.values."],
    {
      sizes: (c) => [2 * keyDims(c), valueDims(c)],
    },
  ),
  map<GgufConfig>(/linear_attn\.(values\..*|in_proj_[zba]\..*|dt_bias|A_log)$/, heads(0)),
  map<GgufConfig>(/linear_attn\.out_proj\.(weight|scales|biases)$/, heads(-1)),
  concatenateInto<GgufConfig>(/linear_attn\.(?<part>keys|values)\./, "linear_attn.", ["keys", "values"]),
];

const qwen35: GgufRow = {
  modelType: "qwen3_5",
  config: { ...deltaKeys, rope_scaling: always(undefined) },
  tensors: {
    ...deltaTensors,
    attn_qkv: "linear_attn.in_proj_qkv",
    attn_gate: "linear_attn.in_proj_z",
    ssm_beta: "linear_attn.in_proj_b",
    ssm_alpha: "linear_attn.in_proj_a",
  },
  rules: [...mambaRules, ...valueHeadRules],
};

const deltaExperts: GgufRow["config"] = {
  ...experts(),
  decoder_sparse_step: always(1),
  mlp_only_layers: always([]),
  shared_expert_intermediate_size: sharedWidth,
  norm_topk_prob: always(true),
};

export const recurrentRows: Readonly<Record<string, GgufRow>> = {
  "falcon-h1": {
    modelType: "falcon_h1",
    config: {
      ...headed,
      mamba_d_ssm: "ssm.inner_size",
      mamba_n_heads: "ssm.time_step_rank",
      mamba_d_head: mambaHeadDim,
      mamba_d_state: "ssm.state_size",
      mamba_d_conv: "ssm.conv_kernel",
      mamba_n_groups: "ssm.group_count",
      mamba_conv_bias: has("ssm_conv1d.bias"),
      mamba_proj_bias: has("ssm_in.bias"),
      mamba_rms_norm: has("ssm_norm.weight"),
      attention_bias: has("attn_q.bias"),
      mlp_bias: has("ffn_up.bias"),
      // the converter multiplies weights by them
      ...Object.fromEntries(
        [
          "attention_in_multiplier",
          "attention_out_multiplier",
          "embedding_multiplier",
          "key_multiplier",
          "lm_head_multiplier",
          "ssm_in_multiplier",
          "ssm_out_multiplier",
        ].map((key) => [key, always(1)]),
      ),
      mlp_multipliers: always([1, 1]),
      ssm_multipliers: always([1, 1, 1, 1, 1]),
    },
    top: { token_embd: "model.embed_tokens", output_norm: "model.final_layernorm", output: "lm_head" },
    tensors: {
      ...attentionTensors,
      ...mamba2Tensors("mamba"),
      ffn_norm: "pre_ff_layernorm",
      "ffn_norm.": "pre_ff_layernorm.weight",
      ffn_gate: "feed_forward.gate_proj",
      ffn_up: "feed_forward.up_proj",
      ffn_down: "feed_forward.down_proj",
    },
    rules: mamba2Rules,
  },
  granitehybrid: {
    modelType: "granitemoehybrid",
    config: {
      ...decoder,
      num_key_value_heads: keyHeads,
      attention_bias: has("attn_q.bias"),
      attention_multiplier: "attention.scale",
      embedding_multiplier: "embedding_scale",
      residual_multiplier: "residual_scale",
      logits_scaling: "logit_scale",
      layer_types: (f) => attends(f).map((yes) => (yes ? "attention" : "mamba")),
      mamba_n_heads: "ssm.time_step_rank",
      mamba_d_head: mambaHeadDim,
      mamba_d_state: "ssm.state_size",
      mamba_d_conv: "ssm.conv_kernel",
      mamba_n_groups: "ssm.group_count",
      mamba_conv_bias: has("ssm_conv1d.bias"),
      mamba_proj_bias: has("ssm_in.bias"),
      position_embedding_type: (f) => (f.flag("rope.scaling.finetuned") === false ? "nope" : "rope"),
      num_local_experts: (f) => f.optionalCount("expert_count") ?? 0,
      num_experts_per_tok: "expert_used_count?",
      shared_intermediate_size: "expert_shared_feed_forward_length?",
    },
    tensors: {
      ...attentionTensors,
      ...mamba2Tensors("mamba"),
      ...mlpTensors,
      ffn_norm: "post_attention_layernorm",
      ...expertTensors("block_sparse_moe"),
      ffn_gate_inp: "block_sparse_moe.router.layer",
      ffn_gate_shexp: "shared_mlp.gate",
      ffn_up_shexp: "shared_mlp.up",
      ffn_down_shexp: "shared_mlp.output_linear",
    },
    rules: [
      unpermute(),
      ...mamba2Rules,
      splitExperts,
      concatenateInto(/shared_mlp\.(?<part>gate|up)\./, "shared_mlp.input_linear.", ["gate", "up"]),
    ],
  },
  jamba: {
    modelType: "jamba",
    config: {
      ...decoder,
      rope_theta: always(undefined), // nothing turns
      num_key_value_heads: keyHeads,
      num_experts: (f) => f.optionalCount("expert_count") ?? 1,
      num_experts_per_tok: (f) => f.optionalCount("expert_used_count") ?? 1,
      layers_block_type: (f) => attends(f).map((yes) => (yes ? "attention" : "mamba")),
      attn_layer_offset: (f) => attendingLayers(f)[0] ?? 0,
      attn_layer_period: (f) => {
        const [first = 0, second = layerCount(f)] = attendingLayers(f);
        return second - first;
      },
      ...Object.fromEntries(
        (["expert_layer_offset", "expert_layer_period"] as const).map((key) => [
          key,
          (f: GgufFields) => expertLayers(f)[key],
        ]),
      ),
      mamba_d_conv: "ssm.conv_kernel",
      mamba_d_state: "ssm.state_size",
      mamba_expand: (f) => f.count("ssm.inner_size") / f.count("embedding_length"),
      mamba_dt_rank: "ssm.time_step_rank",
      mamba_conv_bias: has("ssm_conv1d.bias"),
      mamba_proj_bias: has("ssm_in.bias"),
    },
    top: { token_embd: "model.embed_tokens", output_norm: "model.final_layernorm", output: "lm_head" },
    tensors: {
      ...attentionTensors,
      ...mambaTensors("mamba"),
      ssm_dt_norm: "mamba.dt_layernorm",
      ssm_b_norm: "mamba.b_layernorm",
      ssm_c_norm: "mamba.c_layernorm",
      ffn_norm: "pre_ff_layernorm",
      ffn_gate: "feed_forward.gate_proj",
      ffn_up: "feed_forward.up_proj",
      ffn_down: "feed_forward.down_proj",
      ...expertTensors("feed_forward"),
      ffn_gate_inp: "feed_forward.router",
    },
    rules: [...mambaRules, splitExperts],
  },
  lfm2: {
    modelType: "lfm2",
    config: {
      ...lfm2Keys,
      block_dim: "embedding_length",
      block_ff_dim: "feed_forward_length",
      block_multiple_of: always(1),
      block_auto_adjust_ff_dim: always(false),
    },
    top: lfm2Top,
    tensors: {
      ...lfm2Tensors,
      ffn_gate: "feed_forward.w1",
      ffn_up: "feed_forward.w3",
      ffn_down: "feed_forward.w2",
    },
    rules: [lfm2Convolution],
  },
  lfm2moe: {
    modelType: "lfm2_moe",
    config: {
      ...lfm2Keys,
      ...experts(),
      intermediate_size: "feed_forward_length",
      num_dense_layers: (f) => f.number("leading_dense_block_count") ?? 0,
      norm_topk_prob: (f) => f.flag("expert_weights_norm") ?? true,
      use_expert_bias: has("exp_probs_b.bias"),
    },
    top: lfm2Top,
    tensors: {
      ...lfm2Tensors,
      ffn_gate: "feed_forward.gate_proj",
      ffn_up: "feed_forward.up_proj",
      ffn_down: "feed_forward.down_proj",
      ...expertTensors("feed_forward"),
      "exp_probs_b.bias": "feed_forward.expert_bias",
    },
    rules: [lfm2Convolution, splitExperts],
  },
  mamba: {
    modelType: "mamba",
    config: {
      hidden_size: "embedding_length",
      num_hidden_layers: layerCount,
      vocab_size: decoder.vocab_size ?? "vocab_size",
      intermediate_size: "ssm.inner_size",
      state_size: "ssm.state_size",
      time_step_rank: "ssm.time_step_rank",
      conv_kernel: "ssm.conv_kernel",
      use_conv_bias: has("ssm_conv1d.bias"),
      use_bias: has("ssm_in.bias"),
      use_bcdt_rms: (f) => f.flag("ssm.dt_b_c_rms") ?? false,
      mixer_rms_eps: "attention.layer_norm_rms_epsilon?",
      tie_word_embeddings: decoder.tie_word_embeddings ?? "vocab_size",
    },
    layers: "backbone.layers",
    top: backbone,
    tensors: { ...mambaTensors("mixer"), attn_norm: "norm" },
    rules: mambaRules,
  },
  mamba2: {
    modelType: "mamba2",
    config: {
      ...mamba2Keys,
      hidden_size: "embedding_length",
      num_hidden_layers: layerCount,
      vocab_size: decoder.vocab_size ?? "vocab_size",
      num_heads: "ssm.time_step_rank",
      head_dim: mambaHeadDim,
      state_size: "ssm.state_size",
      layer_norm_epsilon: "attention.layer_norm_rms_epsilon",
      time_step_limit: always([0, Number.POSITIVE_INFINITY]),
      time_step_rank: always("auto"),
      tie_word_embeddings: decoder.tie_word_embeddings ?? "vocab_size",
    },
    layers: "backbone.layers",
    top: backbone,
    tensors: { ...mamba2Tensors("mixer"), attn_norm: "norm" },
    rules: mamba2Rules,
  },
  ...Object.fromEntries(["nemotron_h", "nemotron_h_moe"].map((name) => [name, nemotronH()])),
  qwen35,
  qwen35moe: {
    ...qwen35,
    modelType: "qwen3_5_moe",
    config: { ...qwen35.config, ...deltaExperts },
    tensors: { ...qwen35.tensors, ...sharedExpertTensors },
    rules: [...(qwen35.rules ?? []), splitExperts],
  },
  qwen3next: {
    modelType: "qwen3_next",
    config: { ...deltaKeys, ...deltaExperts },
    tensors: {
      ...deltaTensors,
      ...sharedExpertTensors,
      attn_qkv: "linear_attn.qkv",
      attn_gate: "linear_attn.part_z",
      ssm_ba: "linear_attn.in_proj_ba",
    },
    rules: [
      ...mambaRules,
      splitExperts,
      splitInto<GgufConfig>(
        /linear_attn\.qkv\./,
        ["q", "k", "v"].map((part) => `linear_attn.part_${part}.`),
        {
          sizes: (c) => [keyDims(c), keyDims(c), valueDims(c)],
        },
      ),
      concatenateInto<GgufConfig>(
        /linear_attn\.part_(?<part>[qkvz])\./,
        "linear_attn.in_proj_qkvz.",
        ["q", "k", "v", "z"],
        (c) => sizeOf(c, "linear_num_key_heads"),
      ),
    ],
  },
};

/** The first layer with experts and the distance to the next, which its tensors show. */
function expertLayers(f: GgufFields): { expert_layer_offset: number; expert_layer_period: number } {
  const sparse = Array.from({ length: layerCount(f) }, (_, i) => i).filter(
    (i) => f.tensor(`blk.${i}.ffn_gate_inp.weight`) !== undefined,
  );
  const [first = 0, second = layerCount(f)] = sparse;
  return { expert_layer_offset: first, expert_layer_period: second - first };
}

function nemotronH(): GgufRow {
  const width = (f: GgufFields): number => Math.max(...f.counts("feed_forward_length"), 1);
  return {
    modelType: "nemotron_h",
    config: {
      ...mamba2Keys,
      hidden_size: "embedding_length",
      num_hidden_layers: layerCount,
      intermediate_size: width,
      num_attention_heads: "attention.head_count",
      num_key_value_heads: keyHeads,
      head_dim: headDim,
      vocab_size: decoder.vocab_size ?? "vocab_size",
      max_position_embeddings: "context_length",
      layer_norm_epsilon: normEps,
      attention_bias: has("attn_q.bias"),
      mlp_bias: has("ffn_up.bias"),
      mamba_num_heads: "ssm.time_step_rank",
      mamba_head_dim: mambaHeadDim,
      mamba_proj_bias: has("ssm_in.bias"),
      ssm_state_size: "ssm.state_size",
      hybrid_override_pattern: (f) => {
        const attending = attends(f);
        return attending
          .map((yes, i) => {
            if (yes) return "*";
            if (f.tensor(`blk.${i}.ssm_in.weight`) !== undefined) return "M";
            return f.tensor(`blk.${i}.ffn_gate_inp.weight`) === undefined ? "-" : "E";
          })
          .join("");
      },
      moe_intermediate_size: (f) => f.layerTensor("ffn_up_exps.weight")?.shape[1],
      moe_shared_expert_intermediate_size: sharedWidth,
      n_routed_experts: "expert_count?",
      n_shared_experts: "expert_shared_count?",
      num_experts_per_tok: "expert_used_count?",
      n_group: "expert_group_count?",
      topk_group: "expert_group_used_count?",
      norm_topk_prob: (f) => f.flag("expert_weights_norm"),
      routed_scaling_factor: "expert_weights_scale?",
      moe_latent_size: "moe_latent_size?",
    },
    layers: "backbone.layers",
    top: backbone,
    tensors: {
      ...mamba2Tensors("mixer"),
      attn_norm: "norm",
      attn_q: "mixer.q_proj",
      attn_k: "mixer.k_proj",
      attn_v: "mixer.v_proj",
      attn_output: "mixer.o_proj",
      ffn_up: "mixer.up_proj",
      ffn_down: "mixer.down_proj",
      ffn_gate_inp: "mixer.gate",
      "exp_probs_b.bias": "mixer.gate.e_score_correction_bias",
      ffn_up_exps: "mixer.switch_mlp.fc1",
      ffn_down_exps: "mixer.switch_mlp.fc2",
      ffn_up_shexp: "mixer.shared_experts.up_proj",
      ffn_down_shexp: "mixer.shared_experts.down_proj",
    },
    rules: mamba2Rules,
  };
}
