/** Gemma 2: four norms a block, soft-capped scores and logits, scaled embeddings. @see mlx-lm 0.32.2 models/gemma2.py */
import { mergeHeads, softCappedAttention, splitHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, tanh } from "../core/index.ts";
import { geluApprox, Linear, Module, OffsetRMSNorm, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, string } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { drop, dropRotaryTables } from "./sanitize.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  attn_logit_softcapping: number.default(50),
  final_logit_softcapping: number.default(30),
  query_pre_attn_scalar: number.default(144),
  // every layer attends fully here, as in mlx-lm: exact up to the window of 4096 tokens
  sliding_window: int.optional(),
  sliding_window_size: int.optional(),
  cache_implementation: string.optional(),
  hidden_act: string.optional(),
  hidden_activation: string.optional(),
};
type Config = Infer<typeof config>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #cap: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = c.head_dim;
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.q_proj = new Linear(c.hidden_size, this.#H * D, false);
    this.k_proj = new Linear(c.hidden_size, this.#K * D, false);
    this.v_proj = new Linear(c.hidden_size, this.#K * D, false);
    this.o_proj = new Linear(this.#H * D, c.hidden_size, false);
    this.#scale = c.query_pre_attn_scalar ** -0.5;
    this.#cap = c.attn_logit_softcapping;
    this.#rope = createRope({ dims: D, base: c.rope_theta, traditional: c.rope_traditional });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = this.#rope.forward(splitHeads(this.q_proj.forward(x), B, L, this.#H), cache.offset); // [B, H, L, D]
    const k = this.#rope.forward(splitHeads(this.k_proj.forward(x), B, L, this.#K), cache.offset); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(k, v); // [B, K, S, D]
    const visible = mask === "causal" ? undefined : mask;
    const out = softCappedAttention(q.multiply(this.#scale), keys, values, this.#cap, visible); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: GatedMLP;
  input_layernorm: OffsetRMSNorm;
  post_attention_layernorm: OffsetRMSNorm;
  pre_feedforward_layernorm: OffsetRMSNorm;
  post_feedforward_layernorm: OffsetRMSNorm;

  constructor(c: Config) {
    super();
    const norm = () => new OffsetRMSNorm(c.hidden_size, c.rms_norm_eps);
    this.self_attn = new Attention(c);
    this.mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { activation: geluApprox });
    this.input_layernorm = norm();
    this.post_attention_layernorm = norm();
    this.pre_feedforward_layernorm = norm();
    this.post_feedforward_layernorm = norm();
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const h = add(x, this.post_attention_layernorm.forward(attended));
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h)); // [B, L, E]
    return add(h, this.post_feedforward_layernorm.forward(fed));
  }
}

class Gemma2Decoder extends Decoder {
  readonly #scale: number;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: true }, () => new Block(c));
    this.norm = new OffsetRMSNorm(c.hidden_size, c.rms_norm_eps);
    this.#scale = c.hidden_size ** 0.5;
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = (embeddings ?? this.embed(tokens)).multiply(this.#scale);
    const mask = layerCache(cache, 0).makeMask(h.dim(1), { asArray: true });
    this.layers.forEach((layer, i) => {
      h = layer.forward(h, mask, layerCache(cache, i));
    });
    return this.norm.forward(h);
  }
}

class Gemma2Model extends CausalLM {
  readonly #cap: number;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: true }, new Gemma2Decoder(c));
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    return tanh(super.logits(h).divide(this.#cap)).multiply(this.#cap);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new Gemma2Model(c),
  sanitize: [dropRotaryTables, drop(/^lm_head\./)],
});
