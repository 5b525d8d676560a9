/** Routed and shared experts with a fused attention, under names of its own. @see mlx-lm 0.32.2 models/bailing_moe.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { type Choice, type Routing, routeExperts } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type AttentionParts, KeptParts } from "../blocks/mixer-parts.ts";
import type { RouterParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { type ExpertGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { headDim } from "../blocks/self-attention.ts";
import { PositionedBlock, WordDecoder } from "../blocks/word-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { type MxArray, zeros } from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record, string } from "./config.ts";
import { map, rename } from "./sanitize-rules.ts";
import { columnsNormed } from "./tensor-change.ts";

/** What the configs of all Bailing models say. */
export const bailing = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  max_position_embeddings: int.required(),
  moe_intermediate_size: int.required(),
  num_experts: int.optional(),
  num_shared_experts: int.required(),
  norm_topk_prob: bool.required(),
  num_attention_heads: int.required(),
  num_experts_per_tok: int.required(),
  num_hidden_layers: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  vocab_size: int.required(),
  first_k_dense_replace: int.required(),
  rope_scaling: record.optional(),
  use_bias: bool.default(false),
  use_qkv_bias: bool.default(false),
  norm_head: bool.default(false),
  norm_softmax: oneOf(false).optional(),
  use_qk_norm: bool.default(false),
  tie_word_embeddings: bool.default(false),
  partial_rotary_factor: number.default(1),
  moe_router_enable_expert_bias: bool.default(false),
  moe_router_enable_routed_scaling: bool.optional(), // mlx-lm scales either way
  routed_scaling_factor: number.default(1),
  score_function: oneOf("softmax", "sigmoid").default("softmax"),
  n_group: int.default(1),
  topk_group: int.default(4),
  moe_shared_expert_intermediate_size: int.optional(),
  moe_router_enable_shared_expert: bool.default(true),
  head_dim: int.optional(), // of attention in hybrids; otherwise always hidden_size / num_attention_heads
  router_dtype: string.optional(), // gates are always scored in float32
  use_rmsnorm: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
};

const config = {
  ...bailing,
  rotary_dim: int.optional(),
  multi_gate: oneOf(false).optional(),
  router_type: string.optional(),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

interface AttentionConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim?: number | undefined;
  readonly rms_norm_eps: number;
  readonly use_qk_norm: boolean;
  readonly use_qkv_bias: boolean;
  readonly use_bias: boolean;
}

/** Attention with one projection for queries, keys and values. */
export class Attention extends Module {
  query_key_value: Linear;
  dense: Linear;
  declare query_layernorm?: RMSNorm;
  declare key_layernorm?: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;
  readonly #parts = new KeptParts<AttentionParts>();

  constructor(c: AttentionConfig, rope: PositionEmbedding) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#D = headDim(c);
    this.query_key_value = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * this.#D, c.use_qkv_bias);
    this.dense = new Linear(this.#H * this.#D, c.hidden_size, c.use_bias);
    if (c.use_qk_norm) {
      this.query_layernorm = new RMSNorm(this.#D, c.rms_norm_eps);
      this.key_layernorm = new RMSNorm(this.#D, c.rms_norm_eps);
    }
    this.#rope = rope;
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): AttentionParts | undefined {
    if (this.forward !== Attention.prototype.forward) return undefined;
    const matrices = [this.query_key_value, this.dense];
    const norms = [this.query_layernorm, this.key_layernorm].filter((norm) => norm !== undefined);
    const [H, K, D] = [this.#H, this.#K, this.#D];
    return this.#parts.of([...matrices, ...norms], () => ({
      ...{ matrices, norms, rope: this.#rope, H, K, D, valueDim: D, scale: D ** -0.5 },
      keys: "joined",
    }));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.query_key_value.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const queries = this.query_layernorm?.forward(q) ?? q;
    const keys = this.key_layernorm?.forward(k) ?? k;
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    return this.dense.forward(cachedAttention(queries, keys, v, options)); // [B, L, E]
  }
}

interface MixtureConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly moe_intermediate_size: number;
  readonly moe_shared_expert_intermediate_size?: number | undefined;
  readonly num_experts?: number | undefined;
  readonly num_experts_per_tok: number;
  readonly num_shared_experts: number;
  readonly first_k_dense_replace: number;
  readonly moe_router_enable_expert_bias: boolean;
  readonly moe_router_enable_shared_expert: boolean;
  readonly score_function: "softmax" | "sigmoid";
  readonly n_group: number;
  readonly topk_group: number;
  readonly norm_topk_prob: boolean;
  readonly routed_scaling_factor: number;
  readonly use_bias: boolean;
}

class Gate extends Module implements ExpertGate {
  gate_proj: Linear;
  declare expert_bias?: MxArray;
  readonly #c: MixtureConfig;
  readonly #left: number;

  constructor(c: MixtureConfig, experts: number, left: number) {
    super();
    this.gate_proj = new Linear(c.hidden_size, experts, false);
    if (c.moe_router_enable_expert_bias) this.expert_bias = zeros([experts]);
    this.#c = c;
    this.#left = left;
  }

  get parts(): RouterParts | undefined {
    if (this.route !== Gate.prototype.route) return undefined;
    return { router: this.gate_proj, ...this.#routing };
  }

  get #routing(): Routing {
    const c = this.#c;
    return {
      k: c.num_experts_per_tok,
      score: c.score_function,
      bias: this.expert_bias,
      groups: { count: c.n_group, kept: c.topk_group, left: this.#left },
      isNormed: c.norm_topk_prob && c.num_experts_per_tok > 1,
      scale: c.routed_scaling_factor,
    };
  }

  route(x: MxArray): Choice {
    const [experts, scores] = routeExperts(this.gate_proj.forward(x), this.#routing);
    return [experts, scores.astype(x.dtype)]; // [B, L, k]
  }
}

/**
 * An MLP in the first layers, experts beside shared ones in the others.
 *
 * @param left - the score of experts in groups that are not asked
 */
export const makeFeedForward = (c: MixtureConfig, layer: number, left = 0): FeedForward => {
  const { num_experts, use_bias } = c;
  if (num_experts === undefined || layer < c.first_k_dense_replace) {
    return new GatedMLP(c.hidden_size, c.intermediate_size, { bias: use_bias });
  }
  const sizes = {
    n_routed_experts: num_experts,
    n_shared_experts: c.moe_router_enable_shared_expert ? c.num_shared_experts : 0,
    shared_intermediate_size: c.moe_shared_expert_intermediate_size || c.moe_intermediate_size, // 0: the same
  };
  return new RoutedMoe({ ...c, ...sizes }, new Gate(c, num_experts, left));
};

const makeBlock = (c: Config, layer: number): PositionedBlock => {
  const heads = { ...c, head_dim: undefined };
  const rope = createRope({
    dims: c.rotary_dim ?? Math.trunc(headDim(heads) * c.partial_rotary_factor),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new PositionedBlock(new Attention(heads, rope), makeFeedForward(c, layer), () => rmsNorm(c));
};

/** The output layer, where the config asks for it with columns of length one. */
export const normHead = map<{ readonly norm_head: boolean }>(/^lm_head\.weight$/, (c) =>
  c.norm_head ? [columnsNormed(1e-7)] : [],
);

/** Experts in stacks, and the gate under its projection's name. */
export const bailingExperts = [
  stackNamedExperts,
  rename(/mlp\.gate\.(?=weight|bias)/, "mlp.gate.gate_proj."),
];

export const architecture = defineArchitecture({
  config,
  create: (c) =>
    new GatedCausalLM(
      c,
      new WordDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c)),
      "mlp.gate.gate_proj",
    ),
  sanitize: [dropTiedHead, normHead, ...bailingExperts],
});
