/** RWKV 7: no attention, a state that each position rewrites by a rule it learns. @see mlx-lm 0.32.2 models/rwkv7.py */
import { hidePadding, previousInputs } from "../blocks/causal-conv.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { HeadNorm } from "../blocks/head-norm.ts";
import { LowRank } from "../blocks/low-rank.ts";
import type { Mask } from "../blocks/mask.ts";
import { rewriteState } from "../blocks/state-rewrite.ts";
import { ArraysCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module, type Quantization, relu2 } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { map } from "./sanitize-rules.ts";
import { reshaped } from "./tensor-change.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  norm_eps: number.required(),
  head_dim: int.required(),
  num_hidden_layers: int.required(),
  a_low_rank_dim: int.required(),
  v_low_rank_dim: int.required(),
  gate_low_rank_dim: int.required(),
  decay_low_rank_dim: int.required(),
  tie_word_embeddings: bool.default(false),
  attn: list(int.required()).optional(),
  attn_mode: oneOf("chunk", "fused_recurrent").optional(), // ways to compute the same
  fuse_cross_entropy: bool.optional(),
  fuse_norm: bool.optional(),
  hidden_act: oneOf("sqrelu").optional(),
  hidden_ratio: number.optional(), // intermediate_size says it
  norm_bias: oneOf(true).optional(),
  norm_first: oneOf(true).optional(),
  num_heads: int.optional(), // head_dim says it
  value_dim: list(int.required()).optional(),
};
type Config = Infer<typeof config>;

/** `x + y * z`. */
const addProduct = (x: MxArray, y: MxArray, z: MxArray): MxArray => mx.add(x, mx.multiply(y, z));

/** Vectors over the last axis at length one; zeros stay. */
const unit = (x: MxArray): MxArray => mx.divide(x, mx.maximum(mx.linalg.norm(x, undefined, -1, true), 1e-7));

const same = (x: MxArray): MxArray => x;

class TimeMixing extends Module {
  x_r: MxArray;
  x_w: MxArray;
  x_k: MxArray;
  x_v: MxArray;
  x_a: MxArray;
  x_g: MxArray;
  k_k: MxArray;
  k_a: MxArray;
  r_k: MxArray;
  r_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  g_norm: HeadNorm;
  w_lora: LowRank;
  declare v_lora?: LowRank;
  a_lora: LowRank;
  g_lora: LowRank;

  constructor(c: Config, layer: number) {
    super();
    const { hidden_size: E, head_dim: D } = c;
    const H = Math.floor(E / D);
    const share = () => mx.zeros([1, 1, E]);
    [this.x_r, this.x_w, this.x_k] = [share(), share(), share()];
    [this.x_v, this.x_a, this.x_g] = [share(), share(), share()];
    this.k_k = mx.zeros([H, D]);
    this.k_a = mx.zeros([H, D]);
    this.r_k = mx.zeros([H, D]);
    this.r_proj = new Linear(E, E, false);
    this.k_proj = new Linear(E, E, false);
    this.v_proj = new Linear(E, E, false);
    this.o_proj = new Linear(E, E, false);
    this.g_norm = new HeadNorm(H, D);
    this.w_lora = new LowRank(E, c.decay_low_rank_dim, mx.tanh);
    if (layer > 0) this.v_lora = new LowRank(E, c.v_low_rank_dim, same);
    this.a_lora = new LowRank(E, c.a_low_rank_dim, same);
    this.g_lora = new LowRank(E, c.gate_low_rank_dim, mx.sigmoid, false);
  }

  /** x `[B, L, E]` and the first layer's values `[B, L, H, D]`, undefined in that layer, to both. */
  forward(
    x: MxArray,
    first: MxArray | undefined,
    mask: Mask,
    { arrays }: LayerCache,
  ): [out: MxArray, first: MxArray] {
    const [H = 1, D = 1] = this.k_k.shape;
    const heads = (part: MxArray) => mx.unflatten(part, -1, [H, D]); // [B, L, H, D]
    const change = mx.subtract(previousInputs(x, mask, arrays, 0), x); // [B, L, E]
    const seen = (share: MxArray) => addProduct(x, change, share);
    const r = heads(this.r_proj.forward(seen(this.x_r)));
    const key = heads(this.k_proj.forward(seen(this.x_k)));
    const rate = heads(mx.sigmoid(this.a_lora.forward(seen(this.x_a))));
    const own = heads(this.v_proj.forward(seen(this.x_v)));
    const value = this.#value(own, first, seen(this.x_v));
    const decay = heads(mx.sigmoid(this.w_lora.forward(seen(this.x_w))))
      .astype(mx.float32)
      .multiply(-0.606531);
    const direction = hidePadding(unit(mx.multiply(key, this.k_k)), mask);
    const k = mx.multiply(key, mx.multiply(rate.subtract(1), this.k_a).add(1));
    const [read, state] = rewriteState(
      {
        r,
        decay: mx.exp(hidePadding(decay, mask)).astype(r.dtype),
        k,
        v: hidePadding(value, mask),
        a: mx.negative(direction),
        b: mx.multiply(direction, rate),
      },
      arrays.get(1),
    );
    arrays.set(1, state);
    const bonus = mx.sum(mx.multiply(mx.multiply(r, k), this.r_k), -1, true); // [B, L, H, 1]
    const out = mx.flatten(mx.add(this.g_norm.forward(read), mx.multiply(bonus, value)), 2, 3); // [B, L, E]
    const gate = this.g_lora.forward(seen(this.x_g));
    return [this.o_proj.forward(mx.multiply(out, gate)), first ?? own];
  }

  /** Values, mixed with those of the first layer. */
  #value(own: MxArray, first: MxArray | undefined, seen: MxArray): MxArray {
    if (first === undefined || this.v_lora === undefined) return own;
    const share = mx.reshape(mx.sigmoid(this.v_lora.forward(seen)), own.shape);
    return addProduct(own, mx.subtract(first, own), share);
  }
}

class ChannelMixing extends Module {
  key: Linear;
  value: Linear;
  x_k: MxArray;

  constructor({ hidden_size: E, intermediate_size: F }: Config) {
    super();
    this.key = new Linear(E, F, false);
    this.value = new Linear(F, E, false);
    this.x_k = mx.zeros([E]);
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const change = mx.subtract(previousInputs(x, mask, arrays, 2), x); // [B, L, E]
    return this.value.forward(relu2(this.key.forward(addProduct(x, change, this.x_k)))); // [B, L, E]
  }
}

class Block extends Module {
  declare pre_norm?: LayerNorm;
  attn: TimeMixing;
  ffn: ChannelMixing;
  attn_norm: LayerNorm;
  ffn_norm: LayerNorm;

  constructor(c: Config, layer: number) {
    super();
    const norm = () => new LayerNorm(c.hidden_size, { eps: c.norm_eps });
    if (layer === 0) this.pre_norm = norm();
    this.attn = new TimeMixing(c, layer);
    this.ffn = new ChannelMixing(c);
    this.attn_norm = norm();
    this.ffn_norm = norm();
  }

  forward(
    x: MxArray,
    first: MxArray | undefined,
    mask: Mask,
    cache: LayerCache,
  ): [out: MxArray, first: MxArray] {
    const inputs = this.pre_norm?.forward(x) ?? x; // [B, L, E]
    const [mixed, values] = this.attn.forward(this.attn_norm.forward(inputs), first, mask, cache);
    const h = mx.add(inputs, mixed);
    const out = mx.add(h, this.ffn.forward(this.ffn_norm.forward(h), mask, cache)); // [B, L, E]
    cache.arrays.advance(x.dim(1));
    return [out, values];
  }
}

/** Layers hand on the values of the first one. */
class RwkvBody extends Module implements DecoderBody {
  embeddings: Embedding;
  layers: Block[];
  norm: LayerNorm;

  constructor(c: Config) {
    super();
    this.embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.norm = new LayerNorm(c.hidden_size, { eps: c.norm_eps });
  }

  get embedding(): Embedding {
    return this.embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embeddings.forward(tokens); // [B, L, E]
    const mask = layerCache(cache, 0).arrays.makeMask(h.dim(1));
    let first: MxArray | undefined;
    this.layers.forEach((layer, i) => {
      [h, first] = layer.forward(h, first, mask, layerCache(cache, i));
    });
    return this.norm.forward(h);
  }

  makeCache(): LayerCache[] {
    return this.layers.map(() => new ArraysCache(3));
  }
}

class RwkvModel extends CausalLM<RwkvBody> {
  constructor(c: Config) {
    super(c, new RwkvBody(c));
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return /lora\.2|embeddings/.test(path) ? { groupSize: 64, bits: 8, mode: "affine" } : true;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new RwkvModel(c),
  sanitize: [map(/k_k|k_a|g_norm/, (c: Config) => [reshaped(c.hidden_size / c.head_dim, c.head_dim)])],
});
