/** Decoders without experts. */
import { added, concatenateInto, map, splitInto } from "../../models/index.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { ggufRopeScaling, namedRopeScaling } from "./gguf-rope.ts";
import {
  always,
  attentionTensors,
  decoder,
  type GgufConfig,
  type GgufRow,
  has,
  headDim,
  headed,
  headNormTensors,
  layerCount,
  layerNorm,
  layerTypes,
  llamaBiases,
  llamaTensors,
  mlpTensors,
  normEps,
  partialRope,
  postAttentionTensors,
  ropeBase,
  ropeDims,
  sizeOf,
  topTensors,
  widthOf,
} from "./gguf-row.ts";
import { subtractOne, unpermute } from "./restore.ts";

/** Layers of the one Gemma model whose attention scale is not that of its head size: 27B. */
const GEMMA_27B_LAYERS = { gemma2: 46, gemma3: 62 };

const gemmaScale =
  (largest: number) =>
  (f: GgufFields): number =>
    f.count("block_count") === largest
      ? f.count("embedding_length") / f.count("attention.head_count")
      : headDim(f);

const sandwichTensors = {
  ...llamaTensors,
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

/** Norms after a layer's halves alone. */
const postNormTensors = {
  ...attentionTensors,
  ...mlpTensors,
  ...headNormTensors,
  post_attention_norm: "post_attention_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

const gatedUpTensors = { ffn_up: "mlp.gate_up_proj", ffn_down: "mlp.down_proj" };

const gptTensors = {
  attn_norm: "ln_1",
  attn_qkv: "attn.c_attn",
  attn_output: "attn.c_proj",
  ffn_norm: "ln_2",
  ffn_up: "mlp.c_fc",
  ffn_down: "mlp.c_proj",
};

const gptKeys: GgufRow["config"] = {
  n_embd: "embedding_length",
  n_layer: layerCount,
  n_head: "attention.head_count",
  n_positions: "context_length",
  layer_norm_epsilon: "attention.layer_norm_epsilon",
  vocab_size: decoder.vocab_size ?? "vocab_size",
};

export const llama: GgufRow = {
  modelType: "llama",
  config: { ...headed, ...llamaBiases },
  tensors: llamaTensors,
  rules: [unpermute()],
};

const qwen2: GgufRow = { modelType: "qwen2", config: decoder, tensors: llamaTensors };

const qwen3: GgufRow = {
  modelType: "qwen3",
  config: headed,
  tensors: { ...llamaTensors, ...headNormTensors },
};

const ministral3: GgufRow = {
  ...llama,
  modelType: "ministral3",
  config: {
    ...headed,
    rope_theta: always(undefined),
    rope_scaling: always(undefined),
    rope_parameters: (f) => ({
      ...namedRopeScaling(f),
      rope_theta: ropeBase(f),
      llama_4_scaling_beta: f.number("attention.temperature_scale"),
    }),
  },
};

const olmo2: GgufRow = {
  modelType: "olmo2",
  config: { ...headed, attention_bias: has("attn_q.bias") },
  tensors: postNormTensors,
};

const olmo3: GgufRow = {
  ...olmo2,
  modelType: "olmo3",
  config: {
    ...olmo2.config,
    sliding_window: "attention.sliding_window",
    layer_types: layerTypes,
  },
};

/** What a search left of each layer: attention with some key heads or none, and an MLP of some width or none. */
const searchedBlocks = (f: GgufFields): Record<string, unknown>[] => {
  const [heads, keys, widths] = [
    "attention.head_count",
    "attention.head_count_kv",
    "feed_forward_length",
  ].map((key) => f.counts(key));
  const E = f.count("embedding_length");
  return Array.from({ length: layerCount(f) }, (_, i) => {
    const [H = 0, K = 0, F = 0] = [heads?.[i], keys?.[i], widths?.[i]];
    if (K === 0 && H > 0)
      f.unsupported(`layer ${i} has a matrix instead of attention, which is not supported`);
    return {
      attention: K === 0 ? { no_op: true } : { n_heads_in_group: H / K },
      ffn: F === 0 ? { no_op: true } : { ffn_mult: (3 * F) / (2 * E) },
    };
  });
};

export const denseRows: Readonly<Record<string, GgufRow | ((f: GgufFields) => GgufRow)>> = {
  apertus: {
    modelType: "apertus",
    config: {
      ...decoder,
      mlp_bias: has("ffn_up.bias"),
      attention_bias: has("attn_q.bias"),
      post_norm: always(false),
      qk_norm: always(true),
    },
    tensors: {
      ...llamaTensors,
      ...headNormTensors,
      attn_norm: "attention_layernorm",
      ffn_norm: "feedforward_layernorm",
    },
    scalars: (f) =>
      Object.fromEntries(
        ["alpha_p", "alpha_n", "beta", "eps"].map((name) => [
          `mlp.act_fn.${name}`,
          f.layerNumbers(`xielu.${name}`),
        ]),
      ),
  },
  cohere2: {
    modelType: "cohere2",
    config: {
      ...headed,
      ...layerNorm(),
      logit_scale: "logit_scale",
      sliding_window: "attention.sliding_window",
      sliding_window_pattern: always(4), // llama.cpp's, which files don't say
    },
    tensors: llamaTensors,
  },
  "command-r": {
    modelType: "cohere",
    config: {
      ...decoder,
      ...layerNorm(),
      logit_scale: "logit_scale",
      use_qk_norm: has("attn_q_norm.weight"),
    },
    tensors: { ...llamaTensors, ...headNormTensors },
  },
  deci: {
    modelType: "nemotron-nas",
    config: {
      ...decoder,
      ...llamaBiases,
      num_attention_heads: (f) => Math.max(...f.counts("attention.head_count")),
      num_key_value_heads: always(undefined),
      intermediate_size: always(undefined),
      rope_theta: ropeBase,
      rope_scaling: (f) => ggufRopeScaling(f, f.count("rope.dimension_count")),
      block_configs: searchedBlocks,
    },
    tensors: llamaTensors,
    rules: [unpermute()],
  },
  ernie4_5: {
    modelType: "ernie4_5",
    config: { ...headed, use_bias: has("attn_q.bias") },
    tensors: llamaTensors,
  },
  exaone: {
    modelType: "exaone",
    config: {
      ...decoder,
      ...layerNorm("layer_norm_epsilon"),
      num_hidden_layers: always(undefined),
      num_layers: layerCount,
    },
    layers: "transformer.h",
    top: { ...topTensors, token_embd: "transformer.wte", output_norm: "transformer.ln_f" },
    tensors: {
      attn_norm: "ln_1",
      attn_q: "attn.attention.q_proj",
      attn_k: "attn.attention.k_proj",
      attn_v: "attn.attention.v_proj",
      attn_output: "attn.attention.out_proj",
      ffn_norm: "ln_2",
      ffn_gate: "mlp.c_fc_0",
      ffn_up: "mlp.c_fc_1",
      ffn_down: "mlp.c_proj",
    },
  },
  exaone4: {
    modelType: "exaone4",
    config: {
      ...headed,
      sliding_window: "attention.sliding_window?",
      sliding_window_pattern: (f) =>
        f
          .flags("attention.sliding_window_pattern")
          ?.map((slides) => (slides ? "L" : "G"))
          .join(""),
    },
    tensors: postNormTensors,
  },
  gemma: {
    modelType: "gemma",
    config: { ...headed, tie_word_embeddings: always(undefined) },
    tensors: llamaTensors,
    rules: [subtractOne()],
  },
  gemma2: {
    modelType: "gemma2",
    config: {
      ...headed,
      tie_word_embeddings: always(undefined),
      attn_logit_softcapping: (f) => f.number("attn_logit_softcapping") ?? 50,
      final_logit_softcapping: (f) => f.number("final_logit_softcapping") ?? 30,
      query_pre_attn_scalar: gemmaScale(GEMMA_27B_LAYERS.gemma2),
      sliding_window: "attention.sliding_window?",
    },
    tensors: sandwichTensors,
    rules: [subtractOne()],
  },
  gemma3: {
    modelType: "gemma3_text",
    config: {
      ...headed,
      rope_theta: (f) => f.number("rope.freq_base") ?? 1_000_000,
      rope_local_base_freq: (f) => f.number("rope.freq_base_swa") ?? 10_000,
      query_pre_attn_scalar: gemmaScale(GEMMA_27B_LAYERS.gemma3),
      sliding_window: "attention.sliding_window",
      sliding_window_pattern: always(6), // llama.cpp's, which files don't say
    },
    tensors: { ...sandwichTensors, ...headNormTensors },
    rules: [subtractOne()],
  },
  glm4: {
    modelType: "glm4",
    config: { ...headed, ...partialRope, attention_bias: has("attn_q.bias") },
    tensors: {
      ...llamaTensors,
      ...gatedUpTensors,
      post_attention_norm: "post_self_attn_layernorm",
      post_ffw_norm: "post_mlp_layernorm",
    },
  },
  gpt2: {
    modelType: "gpt2",
    config: { ...gptKeys, n_ctx: "context_length" },
    layers: "model.h",
    top: { token_embd: "model.wte", position_embd: "model.wpe", output_norm: "model.ln_f", output: null },
    tensors: gptTensors,
  },
  gptneox: {
    modelType: "gpt_neox",
    config: {
      hidden_size: "embedding_length",
      num_hidden_layers: layerCount,
      num_attention_heads: "attention.head_count",
      layer_norm_eps: "attention.layer_norm_epsilon",
      vocab_size: decoder.vocab_size ?? "vocab_size",
      max_position_embeddings: "context_length",
      rotary_emb_base: ropeBase,
      rotary_pct: partialRope.partial_rotary_factor ?? "rope.dimension_count",
      use_parallel_residual: (f) => f.flag("use_parallel_residual") ?? true,
    },
    layers: "model.h",
    top: { token_embd: "model.embed_in", output_norm: "model.final_layer_norm", output: "model.embed_out" },
    tensors: {
      attn_norm: "input_layernorm",
      attn_qkv: "attention.query_key_value",
      attn_output: "attention.dense",
      ffn_norm: "post_attention_layernorm",
      ffn_up: "mlp.dense_h_to_4h",
      ffn_down: "mlp.dense_4h_to_h",
    },
    rules: [
      splitInto(/query_key_value\./, ["part_q.", "part_k.", "part_v."]),
      concatenateInto<GgufConfig>(/part_(?<part>[qkv])\./, "query_key_value.", ["q", "k", "v"], (c) =>
        sizeOf(c, "num_attention_heads"),
      ),
    ],
  },
  granite: {
    modelType: "granite",
    config: {
      ...decoder,
      ...llamaBiases,
      attention_multiplier: "attention.scale",
      embedding_multiplier: "embedding_scale",
      residual_multiplier: "residual_scale",
      logits_scaling: "logit_scale",
    },
    tensors: llamaTensors,
    rules: [unpermute()],
  },
  "hunyuan-dense": {
    modelType: "hunyuan_v1_dense",
    // what its scaling makes of the base is in the base
    config: {
      ...headed,
      rope_scaling: always(undefined),
      use_qk_norm: has("attn_q_norm.weight"),
      attention_bias: has("attn_q.bias"),
    },
    tensors: {
      ...llamaTensors,
      attn_q_norm: "self_attn.query_layernorm",
      attn_k_norm: "self_attn.key_layernorm",
    },
  },
  internlm2: {
    modelType: "internlm2",
    config: { ...decoder, bias: has("attn_output.bias") },
    top: { token_embd: "model.tok_embeddings", output_norm: "model.norm", output: "output" },
    tensors: {
      attn_norm: "attention_norm",
      attn_q: "attention.q_proj",
      attn_k: "attention.k_proj",
      attn_v: "attention.v_proj",
      attn_output: "attention.wo",
      ffn_norm: "ffn_norm",
      ffn_gate: "feed_forward.w1",
      ffn_down: "feed_forward.w2",
      ffn_up: "feed_forward.w3",
    },
    rules: [
      unpermute(),
      concatenateInto<GgufConfig>(
        /attention\.(?<part>[qkv])_proj\./,
        "attention.wqkv.",
        ["q", "k", "v"],
        (c) => sizeOf(c, "num_key_value_heads"),
      ),
    ],
  },
  minicpm: {
    modelType: "minicpm",
    config: {
      ...decoder,
      scale_emb: "embedding_scale",
      scale_depth: (f) => f.required("residual_scale") * Math.sqrt(layerCount(f)),
      dim_model_base: (f) => f.count("embedding_length") / f.required("logit_scale"),
    },
    tensors: llamaTensors,
    rules: [unpermute()],
  },
  mistral3: (f) => (f.number("attention.temperature_scale") === undefined ? llama : ministral3),
  nanbeige: {
    modelType: "nanbeige",
    config: {
      ...headed,
      ...llamaBiases,
      num_loops: "num_loops",
      skip_loop_final_norm: (f) => f.flag("skip_loop_final_norm") ?? false,
    },
    tensors: llamaTensors,
    rules: [unpermute()],
  },
  nemotron: {
    modelType: "nemotron",
    config: {
      ...headed,
      ...partialRope,
      ...layerNorm("norm_eps"),
      ...llamaBiases,
      hidden_act: always("relu2"),
    },
    tensors: llamaTensors,
    rules: [subtractOne()],
  },
  olmo2: (f) => (f.optionalCount("attention.sliding_window") === undefined ? olmo2 : olmo3),
  openelm: {
    modelType: "openelm",
    config: {
      model_dim: "embedding_length",
      num_transformer_layers: layerCount,
      head_dim: "attention.key_length",
      vocab_size: decoder.vocab_size ?? "vocab_size",
      num_query_heads: (f) => f.counts("attention.head_count"),
      num_kv_heads: (f) => f.counts("attention.head_count_kv"),
      ffn_dim_divisor: always(1),
      ffn_multipliers: (f) =>
        f.counts("feed_forward_length").map((width) => width / f.count("embedding_length")),
      normalize_qk_projections: has("attn_q_norm.weight"),
      share_input_output_layers: decoder.tie_word_embeddings ?? "vocab_size",
      rms_norm_eps: "attention.layer_norm_rms_epsilon",
      rope_freq_constant: ropeBase,
    },
    layers: "transformer.layers",
    top: { token_embd: "transformer.token_embeddings", output_norm: "transformer.norm", output: "lm_head" },
    tensors: {
      attn_norm: "attn_norm",
      attn_qkv: "attn.qkv_proj",
      attn_q_norm: "attn.q_norm",
      attn_k_norm: "attn.k_norm",
      attn_output: "attn.out_proj",
      ffn_norm: "ffn_norm",
      ffn_gate: "ffn.part_gate",
      ffn_up: "ffn.part_up",
      ffn_down: "ffn.proj_2",
    },
    rules: [concatenateInto(/ffn\.part_(?<part>gate|up)\./, "ffn.proj_1.", ["gate", "up"])],
  },
  phi2: {
    modelType: "phi",
    config: {
      ...decoder,
      ...partialRope,
      ...layerNorm(),
      tie_word_embeddings: always(undefined),
      intermediate_size: widthOf("ffn_up.weight"),
    },
    top: { ...topTensors, output_norm: "model.final_layernorm" },
    tensors: {
      ...attentionTensors,
      attn_output: "self_attn.dense",
      ffn_up: "mlp.fc1",
      ffn_down: "mlp.fc2",
    },
  },
  phi3: {
    modelType: "phi3",
    config: {
      ...decoder,
      ...partialRope,
      original_max_position_embeddings: "rope.scaling.original_context_length?",
    },
    tensors: {
      attn_norm: "input_layernorm",
      attn_qkv: "self_attn.qkv_proj",
      attn_output: "self_attn.o_proj",
      ffn_norm: "post_attention_layernorm",
      ...gatedUpTensors,
    },
  },
  plamo3: {
    modelType: "plamo3",
    config: {
      ...headed,
      max_position_embeddings: always(undefined),
      rope_theta: (f) => f.number("rope.freq_base") ?? 1_000_000,
      rope_local_theta: (f) => f.number("rope.freq_base_swa") ?? 10_000,
      window_size: "attention.sliding_window",
      sliding_window_pattern: "attention.sliding_window_pattern",
    },
    layers: "model.layers.layers",
    tensors: {
      attn_norm: "pre_mixer_norm",
      attn_qkv: "mixer.qkv_proj",
      attn_q_norm: "mixer.q_norm",
      attn_k_norm: "mixer.k_norm",
      attn_output: "mixer.o_proj",
      "post_attention_norm.": "post_mixer_norm.weight",
      ffn_norm: "pre_mlp_norm",
      ...gatedUpTensors,
      "post_ffw_norm.": "post_mlp_norm.weight",
    },
    rules: [
      subtractOne(/(pre_mixer|pre_mlp|\.q|\.k|^model\.)_?norm\.weight$/),
      map(/post_mixer_norm\.weight$/, [added(-1 / 5)]),
      map(/post_mlp_norm\.weight$/, [added(-1 / 5 ** 1.5)]),
    ],
  },
  qwen: {
    modelType: "qwen",
    config: {
      hidden_size: "embedding_length",
      num_hidden_layers: layerCount,
      num_attention_heads: "attention.head_count",
      kv_channels: (f) => f.count("embedding_length") / f.count("attention.head_count"),
      intermediate_size: "feed_forward_length",
      layer_norm_epsilon: normEps,
      vocab_size: decoder.vocab_size ?? "vocab_size",
    },
    layers: "transformer.h",
    top: { token_embd: "transformer.wte", output_norm: "transformer.ln_f", output: "lm_head" },
    tensors: {
      attn_norm: "ln_1",
      attn_qkv: "attn.c_attn",
      attn_output: "attn.c_proj",
      ffn_norm: "ln_2",
      ffn_gate: "mlp.w2",
      ffn_up: "mlp.w1",
      ffn_down: "mlp.c_proj",
    },
  },
  qwen2,
  qwen2vl: qwen2, // a text's positions are the same in all sections
  qwen3,
  qwen3vl: qwen3,
  seed_oss: {
    modelType: "seed_oss",
    config: {
      ...headed,
      ...llamaBiases,
      attention_out_bias: has("attn_output.bias"),
    },
    tensors: { ...llamaTensors, ...postAttentionTensors },
  },
  smollm3: {
    ...llama,
    modelType: "smollm3",
    config: { ...llama.config, no_rope_layer_interval: always(4) }, // llama.cpp's, which files don't say
  },
  spark2_5: {
    modelType: "spark2_5",
    config: {
      ...headed,
      max_position_embeddings: always(undefined),
      rope_theta: always(undefined),
      rope_scaling: always(undefined),
      rope_parameters: (f) => ({
        full_attention: { rope_theta: ropeBase(f), partial_rotary_factor: ropeDims(f) / headDim(f) },
        sliding_attention: {
          rope_theta: f.number("rope.freq_base_swa") ?? ropeBase(f),
          partial_rotary_factor: (f.optionalCount("rope.dimension_count_swa") ?? ropeDims(f)) / headDim(f),
        },
      }),
      sliding_window: "attention.sliding_window",
      layer_types: layerTypes,
    },
    top: { ...topTensors, token_embd: "model.embedding" },
    tensors: {
      ...llamaTensors,
      attn_qkv: "self_attn.q_k_v_proj",
      attn_gate: "self_attn.g_proj",
      attn_output: "self_attn.out_proj",
    },
  },
  stablelm: {
    modelType: "stablelm",
    config: {
      ...decoder,
      ...partialRope,
      ...layerNorm(),
      tie_word_embeddings: always(undefined),
      use_qkv_bias: has("attn_q.bias"),
      qk_layernorm: has("attn_q_norm.weight"),
      use_parallel_residual: (f) => f.flag("use_parallel_residual") ?? false,
    },
    tensors: llamaTensors,
  },
  starcoder: {
    modelType: "gpt_bigcode",
    config: {
      ...gptKeys,
      n_inner: widthOf("ffn_up.weight"),
      multi_query: (f) => f.optionalCount("attention.head_count_kv") === 1,
      tie_word_embeddings: decoder.tie_word_embeddings ?? "vocab_size",
    },
    layers: "transformer.h",
    top: {
      token_embd: "transformer.wte",
      position_embd: "transformer.wpe",
      output_norm: "transformer.ln_f",
      output: "lm_head",
    },
    tensors: gptTensors,
  },
  starcoder2: {
    modelType: "starcoder2",
    config: { ...decoder, ...layerNorm("norm_epsilon") },
    tensors: {
      ...attentionTensors,
      ffn_norm: "post_attention_layernorm",
      ffn_up: "mlp.c_fc",
      ffn_down: "mlp.c_proj",
    },
  },
  xverse: llama,
};
