/** Llama-family decoder; Mistral and many others are this. @see mlx-lm 0.32.2 models/llama.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Linear, Module, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { dropRotaryTables, dropTiedHead } from "./sanitize.ts";

export const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  sliding_window: int.optional(),
};
export type Config = Infer<typeof config>;

export class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config, rope: PositionEmbedding = llamaRope(c)) {
    super();
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads ?? this.#H;
    const D = headDim(c);
    this.q_proj = new Linear(c.hidden_size, this.#H * D, c.attention_bias);
    this.k_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
    this.v_proj = new Linear(c.hidden_size, this.#K * D, c.attention_bias);
    this.o_proj = new Linear(this.#H * D, c.hidden_size, c.attention_bias);
    this.#scale = D ** -0.5;
    this.#rope = rope;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = this.#rope.forward(splitHeads(this.q_proj.forward(x), B, L, this.#H), cache.offset); // [B, H, L, D]
    const k = this.#rope.forward(splitHeads(this.k_proj.forward(x), B, L, this.#K), cache.offset); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(k, v); // [B, K, S, D]
    const out = attention(q, keys, values, { scale: this.#scale, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

export const headDim = (c: Config): number => c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads);

export const llamaRope = (c: Config): PositionEmbedding =>
  createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });

export const llamaMLP = (c: Config): GatedMLP =>
  new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });

const isSliding = (c: Config, layer: number): boolean => c.layer_types?.[layer] === "sliding_attention";

/** Layers with a sliding window see their own mask. */
class SlidingDecoder extends Decoder {
  readonly #config: Config;
  readonly #window: number;

  constructor(c: Config, makeBlock: (layer: number) => PreNormBlock) {
    super(c, makeBlock);
    if (c.sliding_window === undefined)
      throw new ConfigError("config.json: sliding_attention layers need sliding_window");
    this.#config = c;
    this.#window = c.sliding_window;
  }

  override forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embed(tokens);
    const L = h.dim(1);
    const first = (sliding: boolean) =>
      this.layers.findIndex((_, i) => isSliding(this.#config, i) === sliding);
    const full = layerCache(cache, first(false)).makeMask(L);
    const sliding = layerCache(cache, first(true)).makeMask(L, { window: this.#window });
    this.layers.forEach((layer, i) => {
      h = layer.forward(h, isSliding(this.#config, i) ? sliding : full, layerCache(cache, i));
    });
    return this.norm.forward(h);
  }
}

export class LlamaModel extends CausalLM {
  readonly #config: Config;

  /** @param ropeOf - the position embedding of a layer; by default all have the config's */
  constructor(c: Config, ropeOf: (layer: number) => PositionEmbedding = () => llamaRope(c)) {
    const makeBlock = (layer: number) => new PreNormBlock(new Attention(c, ropeOf(layer)), llamaMLP(c), c);
    const hasSliding = c.layer_types?.includes("sliding_attention") ?? false;
    super(c, hasSliding ? new SlidingDecoder(c, makeBlock) : new Decoder(c, makeBlock));
    this.#config = c;
  }

  override makeCache(): LayerCache[] {
    const { sliding_window: window } = this.#config;
    return this.layers.map((_, i) =>
      window !== undefined && isSliding(this.#config, i) ? new RotatingKVCache(window) : new KVCache(),
    );
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel(c),
  sanitize: [dropRotaryTables, dropTiedHead],
});
