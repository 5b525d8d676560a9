/** Gemma 3n and Gemma 4, whose layers have inputs of their own and share keys and values. */
import { map, reshaped, splitInto } from "../../models/index.ts";
import type { GgufFields } from "./gguf-fields.ts";
import {
  always,
  expertTensors,
  expertWidth,
  type GgufConfig,
  type GgufRow,
  headed,
  headNormTensors,
  layerCount,
  layerTypes,
  llamaTensors,
  ropeBase,
  sizeOf,
} from "./gguf-row.ts";
import { splitExperts } from "./restore.ts";

const layerInputTensors = {
  ...llamaTensors,
  ...headNormTensors,
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
  inp_gate: "per_layer_input_gate",
  proj: "per_layer_projection",
};

const topOf = (prefix: string): Record<string, string> => ({
  token_embd: `${prefix}.embed_tokens`,
  output_norm: `${prefix}.norm`,
  per_layer_token_embd: `${prefix}.embed_tokens_per_layer`,
  per_layer_model_proj: `${prefix}.per_layer_model_projection`,
  per_layer_proj_norm: `${prefix}.per_layer_projection_norm`,
});

const layerVocabulary = (f: GgufFields): number | undefined =>
  f.tensor("per_layer_token_embd.weight")?.shape[0];

/** The share of a normal distribution below `x`, to seven digits. @see Abramowitz and Stegun 7.1.26 */
const normalShare = (x: number): number => {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const series = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const upper = series.reduce((sum, a) => sum * t + a, 0) * t * Math.exp(-(x * x) / 2);
  return x < 0 ? upper / 2 : 1 - upper / 2;
};

/** Published shares are hundredths; files have the multiples of the deviation that leave them out. */
const sparsity = (f: GgufFields): number[] | undefined =>
  f.bounds("activation_sparsity_scale")?.map((scale) => Number(normalShare(scale).toFixed(4)));

const UNROTATED = 1e30;

/** The part of a head that turns in full layers: frequencies of the rest are divided away. */
const turningPart = (f: GgufFields): number => {
  const factors = f.floats("rope_freqs.weight");
  if (factors === undefined) return 1;
  const turning = factors.filter((factor) => factor === 1).length;
  const isPlain = factors.every((factor, i) => (i < turning ? factor === 1 : factor >= UNROTATED / 2));
  return isPlain
    ? turning / factors.length
    : f.unsupported("rope_freqs.weight has factors that are not Gemma 4's");
};

/** Heads of full layers, where they are others than those of sliding ones. */
const fullKeyHeads = (f: GgufFields): number | undefined => {
  const [types, heads] = [layerTypes(f) ?? [], f.counts("attention.head_count_kv")];
  return heads[types.indexOf("full_attention")];
};

const slidingKeyHeads = (f: GgufFields): number | undefined => {
  const [types, heads] = [layerTypes(f) ?? [], f.counts("attention.head_count_kv")];
  return heads[types.indexOf("sliding_attention")] ?? heads[0];
};

const isFull = (f: GgufFields, layer: number): boolean => layerTypes(f)?.[layer] === "full_attention";

export const layeredRows: Readonly<Record<string, GgufRow>> = {
  gemma3n: {
    modelType: "gemma3n",
    isNested: true,
    config: {
      ...headed,
      tie_word_embeddings: always(undefined),
      intermediate_size: (f) => f.counts("feed_forward_length"),
      rope_local_base_freq: (f) => f.number("rope.freq_base_swa") ?? 10_000,
      num_kv_shared_layers: (f) => f.number("attention.shared_kv_layers") ?? 0,
      vocab_size_per_layer_input: layerVocabulary,
      hidden_size_per_layer_input: "embedding_length_per_layer_input",
      sliding_window: "attention.sliding_window",
      layer_types: layerTypes,
      final_logit_softcapping: (f) => f.number("final_logit_softcapping") ?? 30,
      activation_sparsity_pattern: sparsity,
      altup_num_inputs: "altup.num_inputs",
      altup_active_idx: "altup.active_idx",
      altup_correct_scale: always(true),
      laurel_rank: (f) => f.layerTensor("laurel_l.weight")?.shape[0],
    },
    layers: "model.language_model.layers",
    top: {
      ...topOf("model.language_model"),
      altup_proj: "model.language_model.altup_projections",
      altup_unembd_proj: "model.language_model.altup_unembed_projections",
    },
    tensors: {
      ...layerInputTensors,
      post_norm: "post_per_layer_input_norm",
      "altup_correct_scale.weight": "altup.correct_output_scale",
      altup_correct_coef: "altup.correction_coefs",
      altup_predict_coef: "altup.prediction_coefs",
      altup_router: "altup.modality_router",
      altup_router_norm: "altup.router_norm",
      laurel_l: "laurel.linear_left",
      laurel_r: "laurel.linear_right",
      laurel_post_norm: "laurel.post_laurel_norm",
    },
    rules: [
      splitInto<GgufConfig>(
        /projections\.(?=(weight|scales|biases)$)/,
        ["projections.0.", "projections.1.", "projections.2."],
        {
          when: ({ length }) => length === 3,
        },
      ),
      map<GgufConfig>(/projections\.\d\.(weight|scales|biases)$/, (c) => [
        reshaped(sizeOf(c, "hidden_size"), -1),
      ]),
    ],
  },
  gemma4: {
    modelType: "gemma4_text",
    config: {
      ...headed,
      intermediate_size: (f) => f.tensor("blk.0.ffn_up.weight")?.shape[0],
      head_dim: (f) => f.optionalCount("attention.key_length_swa") ?? f.count("attention.key_length"),
      global_head_dim: "attention.key_length",
      num_key_value_heads: slidingKeyHeads,
      num_global_key_value_heads: fullKeyHeads,
      num_kv_shared_layers: (f) => f.number("attention.shared_kv_layers") ?? 0,
      vocab_size_per_layer_input: (f) => layerVocabulary(f) ?? 0,
      hidden_size_per_layer_input: (f) => f.optionalCount("embedding_length_per_layer_input") ?? null,
      rope_theta: always(undefined),
      rope_scaling: always(undefined),
      rope_parameters: (f) => ({
        full_attention: {
          rope_type: "proportional",
          rope_theta: ropeBase(f),
          partial_rotary_factor: turningPart(f),
        },
        sliding_attention: {
          rope_type: "default",
          rope_theta: f.number("rope.freq_base_swa") ?? 10_000,
        },
      }),
      sliding_window: "attention.sliding_window",
      layer_types: layerTypes,
      final_logit_softcapping: (f) => f.number("final_logit_softcapping") ?? null,
      enable_moe_block: (f) => f.optionalCount("expert_count") !== undefined,
      num_experts: "expert_count?",
      top_k_experts: "expert_used_count?",
      moe_intermediate_size: expertWidth,
      use_double_wide_mlp: (f) => {
        const [first, last] = [0, layerCount(f) - 1].map((i) => f.tensor(`blk.${i}.ffn_up.weight`)?.shape[0]);
        return first !== last;
      },
      attention_k_eq_v: (f) =>
        Array.from({ length: layerCount(f) }, (_, i) => i).some(
          (i) =>
            isFull(f, i) &&
            f.tensor(`blk.${i}.attn_k.weight`) !== undefined &&
            f.tensor(`blk.${i}.attn_v.weight`) === undefined,
        ),
    },
    top: { ...topOf("model"), output: "lm_head" },
    tensors: {
      ...layerInputTensors,
      post_norm: "post_per_layer_input_norm",
      "layer_output_scale.weight": "layer_scalar",
      ...expertTensors("router", "experts.switch_glu"),
      ffn_gate_inp: "router.proj",
      "ffn_gate_inp.scale": "router.scale",
      "ffn_down_exps.scale": "router.per_expert_scale",
      pre_ffw_norm_2: "pre_feedforward_layernorm_2",
      post_ffw_norm_1: "post_feedforward_layernorm_1",
      post_ffw_norm_2: "post_feedforward_layernorm_2",
    },
    rules: [splitExperts],
  },
};
