/** Keys and values rounded to 8 bits, and last layers that attend to those of the layer before them. @see mlx-lm 0.32.2 models/afm7.py */
import { attention, mergeHeads, splitFusedHeads, splitHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { heldOffset } from "../blocks/positions.ts";
import { createRope } from "../blocks/rope.ts";
import { KVCache, type LayerCache } from "../cache/index.ts";
import { add, array, clip, divide, float32, type MxArray, multiply, round } from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, Linear, Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { type Infer, int, number } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

const config = {
  vocab_size: int.required(),
  hidden_dim: int.required(),
  num_layers: int.required(),
  num_kv_reuse_layers: int.required(),
  num_heads: int.required(),
  num_kv_heads: int.required(),
  hidden_dim_scale_factor: number.default(3.25),
  rope_theta: number.default(50000),
  rms_norm_eps: number.default(1e-5),
};
type Config = Infer<typeof config>;

const HEAD_EPS = 1e-5; // whatever rms_norm_eps says

/** Keys and values of all positions so far, `[B, K, S, D]`. */
type Memory = readonly [keys: MxArray, values: MxArray];

const makeRope = (c: Config): PositionEmbedding =>
  createRope({ dims: Math.floor(c.hidden_dim / c.num_heads), base: c.rope_theta, traditional: true });

/** The nearest of 256 multiples of `scale`, in float32 inside. */
const roundTo8Bits = (x: MxArray, scale: MxArray): MxArray =>
  multiply(clip(round(divide(x.astype(float32), scale)), -128, 127), scale).astype(x.dtype);

class Attention extends Module {
  qkv_proj: Linear;
  out_proj: Linear;
  q_norm: RMSNorm;
  k_norm: RMSNorm;
  quant_key_scale: MxArray = array(1, float32);
  quant_value_scale: MxArray = array(1, float32);
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.num_heads;
    this.#K = c.num_kv_heads;
    this.#D = Math.floor(c.hidden_dim / this.#H);
    this.#rope = makeRope(c);
    this.qkv_proj = new Linear(c.hidden_dim, (this.#H + 2 * this.#K) * this.#D, false);
    this.out_proj = new Linear(c.hidden_dim, c.hidden_dim, false);
    this.q_norm = new RMSNorm(this.#D, HEAD_EPS);
    this.k_norm = new RMSNorm(this.#D, HEAD_EPS);
  }

  /** `[B, L, E]` to the same, and the memory that it left. */
  forward(x: MxArray, mask: Mask, cache: LayerCache): [out: MxArray, memory: Memory] {
    const [B = 1, L = 1] = x.shape;
    const [q, k, v] = splitFusedHeads(this.qkv_proj.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const queries = this.q_norm.forward(this.#rope.forward(q, cache.offset)); // [B, H, L, D]
    const keys = this.k_norm.forward(this.#rope.forward(k, cache.offset)); // [B, K, L, D]
    const memory = cache.updateAndFetch(
      roundTo8Bits(keys, this.quant_key_scale),
      roundTo8Bits(v, this.quant_value_scale),
    );
    const out = attention(queries, ...memory, { scale: this.#D ** -0.5, mask }); // [B, H, L, D]
    return [this.out_proj.forward(mergeHeads(out, B, L)), memory];
  }
}

/** Attention to what another layer remembers. */
class ReuseAttention extends Module {
  q_proj: Linear;
  out_proj: Linear;
  q_norm: RMSNorm;
  readonly #H: number;
  readonly #D: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    this.#H = c.num_heads;
    this.#D = Math.floor(c.hidden_dim / this.#H);
    this.#rope = makeRope(c);
    this.q_proj = new Linear(c.hidden_dim, c.hidden_dim, false);
    this.out_proj = new Linear(c.hidden_dim, c.hidden_dim, false);
    this.q_norm = new RMSNorm(this.#D, HEAD_EPS);
  }

  /** @param offset - position of the first of `x`, which the owner of the memory is past already */
  forward(x: MxArray, [keys, values]: Memory, mask: Mask, offset: LayerCache["offset"]): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = splitHeads(this.q_proj.forward(x), B, L, this.#H); // [B, H, L, D]
    const queries = this.q_norm.forward(this.#rope.forward(q, offset));
    const out = attention(queries, keys, values, { scale: this.#D ** -0.5, mask }); // [B, H, L, D]
    return this.out_proj.forward(mergeHeads(out, B, L)); // [B, L, E]
  }
}

const rmsNorm = (c: Config): RMSNorm => new RMSNorm(c.hidden_dim, c.rms_norm_eps);

/** Llama's block around either kind of attention. */
class Block<A extends Module> extends Module {
  self_attn: A;
  mlp: GatedMLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;

  constructor(c: Config, self_attn: A) {
    super();
    this.self_attn = self_attn;
    this.mlp = new GatedMLP(c.hidden_dim, Math.trunc(c.hidden_dim * c.hidden_dim_scale_factor));
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
  }

  /** The block's answer to `x` once its attention has answered. */
  finish(x: MxArray, attended: MxArray): MxArray {
    const h = add(x, attended); // [B, L, E]
    return add(h, this.mlp.forward(this.post_attention_layernorm.forward(h)));
  }
}

/** The embedding is called `embedding`; only `layers` have caches. */
class AfmDecoder extends Module implements DecoderBody {
  embedding: Embedding;
  layers: Block<Attention>[];
  kv_reuse_layers: Block<ReuseAttention>[];
  output_norm: RMSNorm;

  constructor(c: Config) {
    super();
    const own = c.num_layers - c.num_kv_reuse_layers;
    if (own < 1)
      throw new ConfigError("config.json: num_kv_reuse_layers leaves no layer with keys of its own");
    this.embedding = new Embedding(c.vocab_size, c.hidden_dim);
    this.layers = Array.from({ length: own }, () => new Block(c, new Attention(c)));
    this.kv_reuse_layers = Array.from(
      { length: c.num_kv_reuse_layers },
      () => new Block(c, new ReuseAttention(c)),
    );
    this.output_norm = rmsNorm(c);
  }

  get blocks(): readonly Module[] {
    return [...this.layers, ...this.kv_reuse_layers];
  }

  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embedding.forward(tokens); // [B, L, E]
    const mask = layerCache(cache, 0).makeMask(h.dim(1));
    const offset = heldOffset(layerCache(cache, 0).offset);
    let last: Memory = [h, h];
    this.layers.forEach((layer, i) => {
      const [attended, memory] = layer.self_attn.forward(
        layer.input_layernorm.forward(h),
        mask,
        layerCache(cache, i),
      );
      h = layer.finish(h, attended);
      last = memory;
    });
    for (const layer of this.kv_reuse_layers) {
      h = layer.finish(h, layer.self_attn.forward(layer.input_layernorm.forward(h), last, mask, offset));
    }
    return this.output_norm.forward(h);
  }

  makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }
}

const create = (c: Config): CausalLM<AfmDecoder> =>
  new CausalLM({ ...c, hidden_size: c.hidden_dim, tie_word_embeddings: true }, new AfmDecoder(c));

export const architecture = defineArchitecture({ config, create });
