/** Routed and shared experts with a fused attention, under names of its own. @see mlx-lm 0.32.2 models/bailing_moe.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { type Choice, routeExperts } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { RoutedMoe } from "../blocks/routed-moe.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, zeros } from "../core/index.ts";
import { Embedding, Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, record, string } from "./config.ts";
import { dropTiedHead, map, rename, stackNamedExperts } from "./sanitize.ts";
import { columnsNormed } from "./tensor-change.ts";

const config = {
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
  rotary_dim: int.optional(),
  moe_router_enable_expert_bias: bool.default(false),
  moe_router_enable_routed_scaling: bool.optional(), // mlx-lm scales either way
  routed_scaling_factor: number.default(1),
  score_function: oneOf("softmax", "sigmoid").default("softmax"),
  n_group: int.default(1),
  topk_group: int.default(4),
  moe_shared_expert_intermediate_size: int.optional(),
  moe_router_enable_shared_expert: bool.default(true),
  head_dim: int.optional(), // always hidden_size / num_attention_heads
  multi_gate: oneOf(false).optional(),
  router_dtype: string.optional(), // gates are always scored in float32
  router_type: string.optional(),
  use_rmsnorm: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  query_key_value: Linear;
  dense: Linear;
  declare query_layernorm?: RMSNorm;
  declare key_layernorm?: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#D = Math.floor(c.hidden_size / this.#H);
    this.query_key_value = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * this.#D, c.use_qkv_bias);
    this.dense = new Linear(this.#H * this.#D, c.hidden_size, c.use_bias);
    if (c.use_qk_norm) {
      this.query_layernorm = new RMSNorm(this.#D, c.rms_norm_eps);
      this.key_layernorm = new RMSNorm(this.#D, c.rms_norm_eps);
    }
    this.#rope = createRope({
      dims: c.rotary_dim ?? Math.trunc(this.#D * c.partial_rotary_factor),
      base: c.rope_theta,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.query_key_value.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const queries = this.query_layernorm?.forward(q) ?? q;
    const keys = this.key_layernorm?.forward(k) ?? k;
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    return this.dense.forward(cachedAttention(queries, keys, v, options)); // [B, L, E]
  }
}

class Gate extends Module {
  gate_proj: Linear;
  declare expert_bias?: MxArray;
  readonly #c: Config;

  constructor(c: Config, experts: number) {
    super();
    this.gate_proj = new Linear(c.hidden_size, experts, false);
    if (c.moe_router_enable_expert_bias) this.expert_bias = zeros([experts]);
    this.#c = c;
  }

  route(x: MxArray): Choice {
    const c = this.#c;
    const [experts, scores] = routeExperts(this.gate_proj.forward(x), {
      k: c.num_experts_per_tok,
      score: c.score_function,
      bias: this.expert_bias,
      groups: { count: c.n_group, kept: c.topk_group },
      isNormed: c.norm_topk_prob && c.num_experts_per_tok > 1,
      scale: c.routed_scaling_factor,
    });
    return [experts, scores.astype(x.dtype)]; // [B, L, k]
  }
}

const makeFeedForward = (c: Config, layer: number): FeedForward => {
  const { num_experts, use_bias } = c;
  if (num_experts === undefined || layer < c.first_k_dense_replace) {
    return new GatedMLP(c.hidden_size, c.intermediate_size, { bias: use_bias });
  }
  const sizes = {
    n_routed_experts: num_experts,
    n_shared_experts: c.moe_router_enable_shared_expert ? c.num_shared_experts : 0,
    shared_intermediate_size: c.moe_shared_expert_intermediate_size || c.moe_intermediate_size, // 0: the same
  };
  return new RoutedMoe({ ...c, ...sizes }, new Gate(c, num_experts));
};

class Block extends Module {
  attention: Attention;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(c: Config, layer: number) {
    super();
    this.attention = new Attention(c);
    this.mlp = makeFeedForward(c, layer);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.attention.forward(this.input_layernorm.forward(x), mask, cache)); // [B, L, E]
    return add(h, this.mlp.forward(this.post_attention_layernorm.forward(h))); // [B, L, E]
  }
}

class BailingDecoder extends DecoderFrame<Block> {
  word_embeddings: Embedding;
  layers: Block[];
  norm: Norm;

  constructor(c: Config) {
    super();
    this.word_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.norm = rmsNorm(c);
  }

  get embedding(): Embedding {
    return this.word_embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GatedCausalLM(c, new BailingDecoder(c), "mlp.gate.gate_proj"),
  sanitize: [
    dropTiedHead,
    map<Config>(/^lm_head\.weight$/, (c) => (c.norm_head ? [columnsNormed(1e-7)] : [])),
    stackNamedExperts,
    rename(/mlp\.gate\.(?=weight|bias)/, "mlp.gate.gate_proj."),
  ],
});
