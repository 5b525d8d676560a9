/** DeepSeek 3, and Kimi K2: latent attention, routed and shared experts. @see mlx-lm 0.32.2 models/deepseek_v3.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { latentRope } from "../blocks/latent-attention.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { type Mixer, PreNormBlock } from "../blocks/pre-norm-block.ts";
import { CorrectedGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { drop, map, type SanitizeRule, splitInto, throughDense } from "./sanitize-rules.ts";
import { reshaped, transposed } from "./tensor-change.ts";

/** Keys of DeepSeek configs that concern training, or repeat others. */
export const trainingKeys = {
  aux_loss_alpha: number.optional(),
  ep_size: int.optional(),
  head_dim: int.optional(),
  num_nextn_predict_layers: int.optional(),
  seq_aux: bool.optional(),
};

export const config = {
  ...trainingKeys,
  vocab_size: int.default(102400),
  hidden_size: int.default(4096),
  intermediate_size: int.default(11008),
  moe_intermediate_size: int.default(1407),
  num_hidden_layers: int.default(30),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.optional(), // all heads share one latent
  n_shared_experts: int.optional(),
  n_routed_experts: int.optional(),
  routed_scaling_factor: number.default(1),
  kv_lora_rank: int.default(512),
  q_lora_rank: int.nullable(1536),
  qk_rope_head_dim: int.default(64),
  v_head_dim: int.default(128),
  qk_nope_head_dim: int.default(128),
  topk_method: oneOf("noaux_tc").optional(),
  scoring_func: oneOf("sigmoid").optional(),
  norm_topk_prob: bool.default(true),
  n_group: int.default(1),
  topk_group: int.default(1),
  num_experts_per_tok: int.default(1),
  moe_layer_freq: int.default(1),
  first_k_dense_replace: int.default(0),
  max_position_embeddings: int.default(2048),
  rms_norm_eps: number.default(1e-6),
  rope_theta: number.default(10000),
  rope_scaling: record.optional(),
  attention_bias: bool.default(false),
  hidden_act: oneOf("silu").optional(),
  tie_word_embeddings: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

/** Whether a layer asks experts: the first ones don't. */
export const isRoutedLayer = (
  c: Pick<Config, "first_k_dense_replace" | "moe_layer_freq">,
  layer: number,
): boolean => layer >= c.first_k_dense_replace && layer % c.moe_layer_freq === 0;

/** DeepSeek 3 around any attention. */
export const createDeepseek = (
  c: Config,
  makeAttention: () => Mixer,
  Body: typeof Decoder<PreNormBlock> = Decoder,
): CausalLM => {
  const { n_routed_experts } = c;
  const makeBlock = (layer: number): PreNormBlock => {
    const mlp =
      n_routed_experts !== undefined && isRoutedLayer(c, layer)
        ? new RoutedMoe({ ...c, n_routed_experts }, new CorrectedGate({ ...c, n_routed_experts }))
        : new GatedMLP(c.hidden_size, c.intermediate_size);
    return new PreNormBlock(makeAttention(), mlp, () => rmsNorm(c));
  };
  return new CausalLM({ ...c, tie_word_embeddings: false }, new Body(c, makeBlock, rmsNorm(c)));
};

export interface ExpandingConfig {
  readonly kv_lora_rank: number;
  readonly num_attention_heads: number;
  readonly qk_nope_head_dim: number;
  readonly v_head_dim: number;
}

/** The projection from latents to keys and values, as the two that attention keeps apart. */
export const splitExpansionOf = <C>(sizes: (c: C) => ExpandingConfig): SanitizeRule<C> =>
  throughDense(/(self_attn|attention)\.(\d\.)?kv_b_proj$/, (c) => sizes(c).kv_lora_rank, [
    map(/./, (c) => {
      const { num_attention_heads, qk_nope_head_dim, v_head_dim } = sizes(c);
      return [reshaped(num_attention_heads, qk_nope_head_dim + v_head_dim, -1)];
    }),
    splitInto(/kv_b_proj/, ["embed_q", "unembed_out"], {
      sizes: (c) => [sizes(c).qk_nope_head_dim, sizes(c).v_head_dim],
      axis: 1,
    }),
    map(/embed_q/, [transposed(0, 2, 1)]),
  ]);

/** The same where the config says the sizes. */
export const splitExpansion = splitExpansionOf((c: ExpandingConfig) => c);

export const architecture = defineArchitecture({
  config,
  create: (c) => createDeepseek(c, () => new AbsorbedAttention(c, latentRope(c))),
  sanitize: [
    stackNamedExperts,
    splitExpansion,
    drop(/^model\.layers\.61/), // predicts a second token
    dropRotaryTables,
  ],
});
