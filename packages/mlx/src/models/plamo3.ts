/** Norms on both sides of a branch with offsets of their own, norms per head, windows, fused projections. @see mlx-lm 0.32.2 models/plamo3.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Embedding, Linear, Module, OffsetRMSNorm, type PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, string } from "./config.ts";

const config = {
  hidden_size: int.default(4096),
  num_hidden_layers: int.default(32),
  rms_norm_eps: number.default(1e-6),
  tie_word_embeddings: bool.default(true),
  num_attention_heads: int.default(32),
  num_key_value_heads: int.default(4),
  head_dim: int.default(128),
  window_size: int.default(2048),
  sliding_window: int.optional(), // window_size under another name; this one wins
  sliding_window_pattern: int.default(8),
  rope_theta: number.default(1000000),
  rope_local_theta: number.default(10000),
  intermediate_size: int.default(13312),
  vocab_size: int.default(32000),
  image_token_id: int.optional(),
  image_feature_size: int.optional(),
  image_proj_type: string.default("linear"),
  linear_type: oneOf("normal").default("normal"),
  interleaved_sliding_window: bool.optional(),
};
type Config = Infer<typeof config>;

const norm = (c: Config, offset = 1, dims = c.hidden_size): OffsetRMSNorm =>
  new OffsetRMSNorm(dims, c.rms_norm_eps, offset);

class Attention extends Module {
  qkv_proj: Linear;
  o_proj: Linear;
  q_norm: OffsetRMSNorm;
  k_norm: OffsetRMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config, slides: boolean) {
    super();
    const D = c.head_dim;
    this.#H = c.num_attention_heads;
    this.#K = c.num_key_value_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: slides ? c.rope_local_theta : c.rope_theta });
    this.qkv_proj = new Linear(c.hidden_size, (this.#H + 2 * this.#K) * D, false);
    this.o_proj = new Linear(this.#H * D, c.hidden_size, false);
    this.q_norm = norm(c, 1, D);
    this.k_norm = norm(c, 1, D);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [q, k, v] = splitFusedHeads(this.qkv_proj.forward(x), this.#H, this.#K); // [B, H or K, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    return this.o_proj.forward(cachedAttention(this.q_norm.forward(q), this.k_norm.forward(k), v, options));
  }
}

class Block extends Module {
  mixer: Attention;
  mlp: FusedGatedMLP;
  pre_mixer_norm: OffsetRMSNorm;
  post_mixer_norm: OffsetRMSNorm;
  pre_mlp_norm: OffsetRMSNorm;
  post_mlp_norm: OffsetRMSNorm;

  constructor(c: Config, slides: boolean) {
    super();
    this.mixer = new Attention(c, slides);
    this.mlp = new FusedGatedMLP(c.hidden_size, c.intermediate_size);
    this.pre_mixer_norm = norm(c);
    this.post_mixer_norm = norm(c, 1 / 5);
    this.pre_mlp_norm = norm(c);
    this.post_mlp_norm = norm(c, 1 / 5 ** 1.5);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const mixed = this.mixer.forward(this.pre_mixer_norm.forward(x), mask, cache); // [B, L, E]
    const h = add(x, this.post_mixer_norm.forward(mixed));
    return add(h, this.post_mlp_norm.forward(this.mlp.forward(this.pre_mlp_norm.forward(h))));
  }
}

/** Checkpoints have the blocks at `model.layers.layers`. */
class Layers extends Module {
  layers: Block[];

  constructor(c: Config, window: SlidingWindow) {
    super();
    this.layers = window.layers.map((slides) => new Block(c, slides));
  }
}

class Plamo3Decoder extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Layers;
  norm: OffsetRMSNorm;
  readonly #window: SlidingWindow;

  constructor(c: Config) {
    super();
    this.#window = slidingWindow({ ...c, sliding_window: c.sliding_window ?? c.window_size });
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = new Layers(c, this.#window);
    this.norm = norm(c);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers.layers;
  }

  protected get lastNorm(): OffsetRMSNorm {
    return this.norm;
  }

  /** A prefill sees one position more than a cache keeps, as in mlx-lm. */
  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return slidingMasks({ ...this.#window, size: this.#window.size + 1 }, L, cache);
  }

  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Plamo3Decoder(c)),
  sanitize: [dropTiedHead],
});
