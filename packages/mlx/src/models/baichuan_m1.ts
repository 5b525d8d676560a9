/** Baichuan M1: keys and values mixed with the position before, some layers in a window. @see mlx-lm 0.32.2 models/baichuan_m1.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import { previousInputs } from "../blocks/causal-conv.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { ArraysCache, CacheList, KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RoPE } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, list, number, oneOf } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { map } from "./sanitize-rules.ts";
import { rowsNormed } from "./tensor-change.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  rope_theta: number.required(),
  sliding_window: int.required(),
  sliding_window_layers: list(int.required()).required(),
  conv_window: oneOf(2).required(),
  rms_norm_eps: number.required(),
  num_swa_attention_heads: int.optional(),
  num_swa_key_value_heads: int.optional(),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
  model_max_length: int.optional(),
};
type Config = Infer<typeof config>;

const slides = (c: Config, layer: number): boolean => c.sliding_window_layers.includes(layer);

/** Query and key heads; layers that slide may have their own numbers. */
const headsOf = (c: Config, layer: number): [H: number, K: number] =>
  slides(c, layer)
    ? [c.num_swa_attention_heads || c.num_attention_heads, c.num_swa_key_value_heads || c.num_key_value_heads]
    : [c.num_attention_heads, c.num_key_value_heads];

class Attention extends Module {
  W_pack: Linear;
  o_proj: Linear;
  conv_k: MxArray;
  conv_v: MxArray;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: RoPE;

  constructor(c: Config, layer: number) {
    super();
    const E = c.hidden_size;
    const [H, K] = headsOf(c, layer);
    const D = Math.floor(E / H);
    this.W_pack = new Linear(E, E + 2 * K * D, false);
    this.o_proj = new Linear(E, E, false);
    this.conv_k = mx.zeros([1, 1, K, 1, 2]);
    this.conv_v = mx.zeros([1, 1, K, 1, 2]);
    [this.#H, this.#K, this.#D] = [H, K, D];
    this.#rope = new RoPE(D, { base: c.rope_theta });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1, E = 1] = x.shape;
    const [before, attending] = [cache.part(0), cache.part(1)];
    const padding = before.arrays.makeMask(L);
    const [q = x, k = x, v = x] = mx.split(this.W_pack.forward(x), [E, E + this.#K * this.#D], -1);
    const mixed = (part: MxArray, weight: MxArray, slot: number) => {
      const previous = previousInputs(part, padding, before.arrays, slot); // [B, L, K * D]
      const [old = weight, own = weight] = mx.split(mx.reshape(weight, [1, this.#K, 1, 2]), 2, -1);
      const heads = (inputs: MxArray) => splitHeads(inputs, B, L, this.#K); // [B, K, L, D]
      return mx.add(mx.multiply(heads(previous), old), mx.multiply(heads(part), own));
    };
    const keys = mixed(k, this.conv_k, 0); // [B, K, L, D]
    const values = mixed(v, this.conv_v, 1); // [B, K, L, D]
    before.arrays.advance(L);
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache: attending };
    return this.o_proj.forward(cachedAttention(splitHeads(q, B, L, this.#H), keys, values, options)); // [B, L, E]
  }
}

const makeBlock = (c: Config, layer: number): PreNormBlock =>
  new PreNormBlock(new Attention(c, layer), new GatedMLP(c.hidden_size, c.intermediate_size), () =>
    rmsNorm(c),
  );

/** Each layer has a cache for the position before, and one for attention. */
class BaichuanDecoder extends Decoder<PreNormBlock> {
  readonly #slides: readonly boolean[];
  readonly #window: number;

  constructor(c: Config) {
    super(c, (layer) => makeBlock(c, layer), rmsNorm(c));
    this.#slides = this.layers.map((_, i) => slides(c, i));
    this.#window = c.sliding_window;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const full = layerCache(cache, this.#slides.indexOf(false)).part(1).makeMask(L);
    const sliding = layerCache(cache, this.#slides.indexOf(true))
      .part(1)
      .makeMask(L, { window: this.#window });
    return (layer) => (this.#slides[layer] === true ? sliding : full);
  }

  override makeCache(): LayerCache[] {
    return this.#slides.map((isSliding) => {
      const attending = isSliding ? new RotatingKVCache(this.#window) : new KVCache();
      return new CacheList(new ArraysCache(2), attending);
    });
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM({ ...c, tie_word_embeddings: false }, new BaichuanDecoder(c)),
  sanitize: [map(/^lm_head\.weight$/, [rowsNormed(1e-7)])],
});
