/** Mistral 4: DeepSeek 3 with experts by softmax, whose queries grow past the trained context. @see mlx-lm 0.32.2 models/mistral4.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { type Choice, type Routing, routeExperts } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { type Latents, latentScale, type Parts } from "../blocks/latent-attention.ts";
import type { Mask } from "../blocks/mask.ts";
import type { LatentParts } from "../blocks/mixer-parts.ts";
import type { RouterParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { type PositionScale, positionScale } from "../blocks/position-scale.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { type ExpertGate, RoutedMoe } from "../blocks/routed-moe.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, splitJoinedExperts, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, liftedRopeKeys, number, oneOf, parseConfig, record } from "./config.ts";
import { splitExpansion } from "./deepseek_v3.ts";

const config = {
  ...liftedRopeKeys,
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(), // all heads share one latent
  n_shared_experts: int.required(),
  n_routed_experts: int.required(),
  routed_scaling_factor: number.required(),
  kv_lora_rank: int.required(),
  q_lora_rank: int.required(),
  norm_topk_prob: bool.required(),
  max_position_embeddings: int.required(),
  rms_norm_eps: number.required(),
  topk_group: int.required(),
  num_experts_per_tok: int.required(),
  first_k_dense_replace: int.required(),
  n_group: int.required(),
  qk_rope_head_dim: int.required(),
  qk_nope_head_dim: int.required(),
  v_head_dim: int.required(),
  head_dim: int.optional(), // the sum of both parts
  qk_head_dim: int.optional(),
  tie_word_embeddings: bool.default(false),
  rope_interleave: bool.default(true),
  attention_bias: bool.default(false),
  rope_parameters: record.required(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const positions = {
  rope_theta: number.default(100000),
  llama_4_scaling_beta: number.required(),
  original_max_position_embeddings: int.required(),
};

class Attention extends AbsorbedAttention {
  readonly #growth: PositionScale;

  constructor(c: Config) {
    const settings = parseConfig(positions, c.rope_parameters).config;
    const rope = createRope({
      dims: c.qk_rope_head_dim,
      base: settings.rope_theta,
      traditional: c.rope_interleave,
      scaling: c.rope_parameters,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    super(c, { rope, scale: latentScale(c, c.rope_parameters) });
    this.#growth = {
      beta: settings.llama_4_scaling_beta,
      trained: settings.original_max_position_embeddings,
    };
  }

  override get parts(): LatentParts | undefined {
    return this.makesStepsOf(Attention.prototype) ? this.absorbedParts(this.#growth) : undefined;
  }

  protected override attend(queries: Parts, latents: Latents, mask: Mask, cache: LayerCache): MxArray {
    const [q_nope, q_pe] = queries;
    const growth = positionScale(cache.offset, q_pe.dim(2), this.#growth)?.astype(q_pe.dtype);
    if (growth === undefined) return super.attend(queries, latents, mask, cache);
    return super.attend([mx.multiply(q_nope, growth), mx.multiply(q_pe, growth)], latents, mask, cache);
  }

  /** Many positions attend as usual, without scores of their turned features as a mask. */
  protected override attendTo(queries: Parts, known: Latents, mask: Mask): MxArray {
    const isOne = queries[0].dim(2) === 1;
    return isOne ? super.attendTo(queries, known, mask) : this.attendJoined(queries, known, mask);
  }
}

/** A softmax over all experts; the best of the best groups. */
class Gate extends Linear implements ExpertGate {
  readonly #c: Config;

  constructor(c: Config) {
    super(c.hidden_size, c.n_routed_experts, false);
    this.#c = c;
  }

  get parts(): RouterParts | undefined {
    return this.route === Gate.prototype.route ? { router: this, ...this.#routing } : undefined;
  }

  get #routing(): Routing {
    const c = this.#c;
    return {
      k: c.num_experts_per_tok,
      score: "softmax",
      groups: { count: c.n_group, kept: c.topk_group },
      isNormed: c.norm_topk_prob,
      scale: c.routed_scaling_factor,
    };
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    return routeExperts(this.forward(x), this.#routing);
  }
}

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const isRouted = layer >= c.first_k_dense_replace;
  const mlp = isRouted ? new RoutedMoe(c, new Gate(c)) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(new Attention(c), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c))),
  sanitize: [...splitJoinedExperts, stackNamedExperts, splitExpansion, dropRotaryTables],
});
