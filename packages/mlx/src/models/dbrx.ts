/** A mixture of experts with clipped projections, under names of its own. @see mlx-lm 0.32.2 models/dbrx.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { TransformerLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { normScores, topExperts, weighAnswers } from "../blocks/experts.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, clip, float32, type MxArray, softmax } from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number, object, oneOf, record } from "./config.ts";
import { map, rename, stackExperts } from "./sanitize-rules.ts";
import { reshaped, transposed } from "./tensor-change.ts";

const attentionConfig = {
  kv_n_heads: int.required(),
  clip_qkv: number.required(),
  rope_theta: number.required(),
  attn_pdrop: number.optional(), // of training
};

const feedForwardConfig = {
  ffn_hidden_size: int.required(),
  moe_num_experts: int.required(),
  moe_top_k: int.required(),
  moe_normalize_expert_weights: oneOf(1).optional(),
  ffn_act_fn: record.optional(), // always silu
  // of training
  moe_jitter_eps: number.optional(),
  moe_loss_weight: number.optional(),
  uniform_expert_assignment: oneOf(false).optional(),
};

const config = {
  vocab_size: int.required(),
  d_model: int.required(),
  ffn_config: object(feedForwardConfig).required(),
  attn_config: object(attentionConfig).required(),
  n_layers: int.required(),
  n_heads: int.required(),
  max_seq_len: int.optional(),
  tie_word_embeddings: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  Wqkv: Linear;
  out_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #limit: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.n_heads;
    this.#K = c.attn_config.kv_n_heads;
    this.#D = Math.floor(c.d_model / c.n_heads);
    this.Wqkv = new Linear(c.d_model, (this.#H + 2 * this.#K) * this.#D, false);
    this.out_proj = new Linear(c.d_model, c.d_model, false);
    this.#limit = c.attn_config.clip_qkv;
    this.#rope = createRope({ dims: this.#D, base: c.attn_config.rope_theta });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const qkv = clip(this.Wqkv.forward(x), -this.#limit, this.#limit);
    const [q, k, v] = splitFusedHeads(qkv, this.#H, this.#K); // [B, H or K, L, D]
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    return this.out_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.d_model, { bias: false });

class NormAttentionNorm extends Module {
  norm_1: LayerNorm;
  norm_2: LayerNorm;
  attn: Attention;

  constructor(c: Config) {
    super();
    this.norm_1 = layerNorm(c);
    this.norm_2 = layerNorm(c);
    this.attn = new Attention(c);
  }

  /** The residual stream, and the same normed. */
  forward(x: MxArray, mask: Mask, cache: LayerCache): [h: MxArray, normed: MxArray] {
    const h = add(x, this.attn.forward(this.norm_1.forward(x), mask, cache)); // [B, L, E]
    return [h, this.norm_2.forward(h)];
  }
}

class Router extends Module {
  layer: Linear;

  constructor(dims: number, experts: number) {
    super();
    this.layer = new Linear(dims, experts, false);
  }
}

/** Its experts are stacked, which mlx-lm keeps apart. */
class SparseMoe extends Module {
  router: Router;
  experts: SwitchGLU;
  readonly #k: number;

  constructor({ d_model, ffn_config: c }: Config) {
    super();
    this.router = new Router(d_model, c.moe_num_experts);
    this.experts = new SwitchGLU(d_model, c.ffn_hidden_size, c.moe_num_experts);
    this.#k = c.moe_top_k;
  }

  forward(x: MxArray): MxArray {
    const gates = softmax(this.router.layer.forward(x).astype(float32), -1); // [B, L, X]
    const [experts, chosen] = topExperts(gates, this.#k); // [B, L, k]
    return weighAnswers(this.experts.forward(x, experts), normScores(chosen).astype(x.dtype)); // [B, L, E]
  }
}

class Block extends Module {
  ffn: SparseMoe;
  norm_attn_norm: NormAttentionNorm;

  constructor(c: Config) {
    super();
    this.ffn = new SparseMoe(c);
    this.norm_attn_norm = new NormAttentionNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [h, normed] = this.norm_attn_norm.forward(x, mask, cache); // [B, L, E]
    return add(this.ffn.forward(normed), h);
  }
}

class DbrxDecoder extends DecoderFrame<Block> {
  wte: Embedding;
  blocks: Block[];
  norm_f: LayerNorm;

  constructor(c: Config) {
    super();
    this.wte = new Embedding(c.vocab_size, c.d_model);
    this.blocks = Array.from({ length: c.n_layers }, () => new Block(c));
    this.norm_f = layerNorm(c);
  }

  get embedding(): Embedding {
    return this.wte;
  }

  protected get lastNorm(): LayerNorm {
    return this.norm_f;
  }
}

const create = (c: Config): TransformerLM<DbrxDecoder> =>
  new TransformerLM(
    { hidden_size: c.d_model, vocab_size: c.vocab_size, tie_word_embeddings: false },
    new DbrxDecoder(c),
  );

/** Transformers' experts `[X * F, E]` in one matrix. */
const separated = (c: Config) =>
  reshaped(c.ffn_config.moe_num_experts, c.ffn_config.ffn_hidden_size, c.d_model);

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    map<Config>(/experts\.mlp\.(w1|v1)$/, (c) => [separated(c)]),
    map<Config>(/experts\.mlp\.w2$/, (c) => [separated(c), transposed(0, 2, 1)]),
    rename(/experts\.mlp\.w1$/, "experts.gate_proj.weight"),
    rename(/experts\.mlp\.v1$/, "experts.up_proj.weight"),
    rename(/experts\.mlp\.w2$/, "experts.down_proj.weight"),
    stackExperts(/experts\.(?<expert>\d+)\.w1\./, "experts.gate_proj."),
    stackExperts(/experts\.(?<expert>\d+)\.v1\./, "experts.up_proj."),
    stackExperts(/experts\.(?<expert>\d+)\.w2\./, "experts.down_proj."),
  ],
});
