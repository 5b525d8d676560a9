/** DeepSeek 3's experts; sliding layers have heads of their own, attention has sinks. @see mlx-lm 0.32.2 models/mimo_v2_flash.py */
import { attention } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { CorrectedGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder } from "../blocks/sliding-decoder.ts";
import { type MxArray, ones } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import type { RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  num_experts_per_tok: int.required(),
  hybrid_layer_pattern: list(int.required()).required(), // 1 where a layer slides
  moe_layer_freq: list(int.required()).required(), // 1 where a layer has experts
  add_swa_attention_sink_bias: bool.required(),
  add_full_attention_sink_bias: bool.required(),
  sliding_window_size: int.required(),
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  n_shared_experts: int.optional(),
  n_routed_experts: int.optional(),
  routed_scaling_factor: number.default(1),
  topk_method: oneOf("noaux_tc").required(),
  scoring_func: oneOf("sigmoid").required(),
  norm_topk_prob: bool.required(),
  n_group: int.required(),
  topk_group: int.required(),
  max_position_embeddings: int.required(),
  layernorm_epsilon: number.required(),
  rope_theta: number.required(),
  swa_rope_theta: number.required(),
  swa_num_attention_heads: int.required(),
  swa_num_key_value_heads: int.required(),
  head_dim: int.required(),
  v_head_dim: int.required(),
  swa_head_dim: int.required(),
  swa_v_head_dim: int.required(),
  partial_rotary_factor: number.required(),
  attention_value_scale: number.optional(),
  sliding_window: int.optional(), // sliding_window_size says it
  attention_chunk_size: int.optional(),
  attention_bias: oneOf(false).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** What differs between layers that slide and those that don't. */
const headsOf = (c: Config, slides: boolean) =>
  slides
    ? {
        hidden_size: c.hidden_size,
        num_attention_heads: c.swa_num_attention_heads,
        num_key_value_heads: c.swa_num_key_value_heads,
        head_dim: c.swa_head_dim,
        v_head_dim: c.swa_v_head_dim,
        rope_theta: c.swa_rope_theta,
        hasSinks: c.add_swa_attention_sink_bias,
      }
    : { ...c, hasSinks: c.add_full_attention_sink_bias };

class Attention extends SelfAttention {
  declare attention_sink_bias?: MxArray;
  readonly #valueScale: number | undefined;

  constructor(c: Config, slides: boolean) {
    const heads = headsOf(c, slides);
    const dims = Math.trunc(c.partial_rotary_factor * heads.head_dim);
    super(heads, { rope: createRope({ dims, base: heads.rope_theta }) });
    if (heads.hasSinks) this.attention_sink_bias = ones([this.H]);
    this.#valueScale = c.attention_value_scale;
  }

  protected override values(x: MxArray, B: number, L: number): MxArray {
    const values = super.values(x, B, L); // [B, L, K, D]
    return this.#valueScale === undefined ? values : values.multiply(this.#valueScale);
  }

  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const sinks = this.attention_sink_bias;
    return attention(q, k, v, { scale: this.scale, mask, ...(sinks && { sinks }) }); // [B, H, L, D]
  }
}

const norm = (c: Config): RMSNorm => rmsNorm({ ...c, rms_norm_eps: c.layernorm_epsilon });

const makeFeedForward = (c: Config, layer: number): GatedMLP | RoutedMoe => {
  if (c.moe_layer_freq[layer] !== 1) return new GatedMLP(c.hidden_size, c.intermediate_size);
  const { n_routed_experts } = c;
  if (n_routed_experts === undefined) throw new ConfigError("config.json: experts need n_routed_experts");
  return new RoutedMoe({ ...c, n_routed_experts }, new CorrectedGate({ ...c, n_routed_experts }));
};

const create = (c: Config): CausalLM => {
  const window = { size: c.sliding_window_size, layers: c.hybrid_layer_pattern.map((kind) => kind === 1) };
  const block = (layer: number) =>
    new PreNormBlock(new Attention(c, window.layers[layer] === true), makeFeedForward(c, layer), () =>
      norm(c),
    );
  return new CausalLM({ ...c, tie_word_embeddings: false }, new SlidingDecoder(c, block, norm(c), window));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [drop(/^model\.mtp/), stackNamedExperts],
});
