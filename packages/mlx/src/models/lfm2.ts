/** Liquid's LFM2: gated short convolutions, and attention in some layers. @see mlx-lm 0.32.2 models/lfm2.py */
import { cachedAttention, splitHeads } from "../blocks/attention.ts";
import type { BlockCall } from "../blocks/block-parts.ts";
import { CausalConv1d } from "../blocks/causal-conv.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { throughBlock } from "../blocks/fused-block.ts";
import type { DenseMlp, DenseParts } from "../blocks/gated-mlp.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { type AttentionParts, type ConvParts, KeptParts } from "../blocks/mixer-parts.ts";
import type { Norm } from "../blocks/norm.ts";
import type { FeedForward, Mixer } from "../blocks/pre-norm-block.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, Linear, Module, RMSNorm, RoPE, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";
import { map } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

/** What its dense and its sparse models read alike. */
export const sharedSchema = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  max_position_embeddings: int.required(),
  norm_eps: number.required(),
  conv_bias: bool.required(),
  conv_L_cache: int.required(),
  rope_theta: number.default(1000000),
  full_attn_idxs: list(int.required()).optional(),
  layer_types: list(oneOf("conv", "full_attention").required()).optional(),
  tie_embedding: oneOf(true).optional(),
  tie_word_embeddings: bool.optional(), // always tied
  num_heads: int.optional(),
  theta: number.optional(),
  use_pos_enc: oneOf(true).optional(),
};

const config = {
  ...sharedSchema,
  block_dim: int.required(),
  block_multiple_of: int.required(),
  block_ffn_dim_multiplier: number.nullable(1),
  block_auto_adjust_ff_dim: bool.required(),
  block_ff_dim: int.optional(),
  intermediate_size: int.optional(),
  block_mlp_init_scale: number.optional(),
  block_norm_eps: number.optional(),
  block_out_init_scale: number.optional(),
  block_use_swiglu: oneOf(true).optional(),
  block_use_xavier_init: bool.optional(),
  conv_dim: int.optional(),
  conv_dim_out: int.optional(),
  conv_use_xavier_init: bool.optional(),
};
type Config = Infer<typeof config>;
type SharedConfig = Infer<typeof sharedSchema>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  out_proj: Linear;
  q_layernorm: RMSNorm;
  k_layernorm: RMSNorm;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;
  readonly #rope: RoPE;
  readonly #parts = new KeptParts<AttentionParts>();

  constructor(c: SharedConfig) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K = H } = c;
    const D = Math.floor(E / H);
    this.q_proj = new Linear(E, H * D, false);
    this.k_proj = new Linear(E, K * D, false);
    this.v_proj = new Linear(E, K * D, false);
    this.out_proj = new Linear(H * D, E, false);
    this.q_layernorm = new RMSNorm(D, c.norm_eps);
    this.k_layernorm = new RMSNorm(D, c.norm_eps);
    [this.#H, this.#K, this.#D] = [H, K, D];
    this.#rope = new RoPE(D, { base: c.rope_theta });
  }

  get parts(): AttentionParts {
    const { q_proj, k_proj, v_proj, out_proj, q_layernorm, k_layernorm } = this;
    const [H, K, D] = [this.#H, this.#K, this.#D];
    return this.#parts.of([q_proj, k_proj, v_proj, out_proj, q_layernorm, k_layernorm], () => ({
      ...{ matrices: [q_proj, k_proj, v_proj, out_proj], norms: [q_layernorm, k_layernorm] },
      ...{ rope: this.#rope, H, K, D, valueDim: D, scale: D ** -0.5 },
    }));
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = this.q_layernorm.forward(splitHeads(this.q_proj.forward(x), B, L, this.#H)); // [B, H, L, D]
    const k = this.k_layernorm.forward(splitHeads(this.k_proj.forward(x), B, L, this.#K)); // [B, K, L, D]
    const v = splitHeads(this.v_proj.forward(x), B, L, this.#K); // [B, K, L, D]
    const options = { rope: this.#rope, scale: this.#D ** -0.5, mask, cache };
    return this.out_proj.forward(cachedAttention(q, k, v, options)); // [B, L, E]
  }
}

class ShortConv extends Module {
  conv: CausalConv1d;
  in_proj: Linear;
  out_proj: Linear;
  readonly #parts = new KeptParts<ConvParts>();

  constructor({ hidden_size: E, conv_L_cache, conv_bias }: SharedConfig) {
    super();
    this.conv = new CausalConv1d(E, conv_L_cache, conv_bias);
    this.in_proj = new Linear(E, 3 * E, conv_bias);
    this.out_proj = new Linear(E, E, conv_bias);
  }

  get parts(): ConvParts | undefined {
    const { in_proj, out_proj, conv } = this;
    if (conv.past === 0 || conv.bias !== undefined) return undefined;
    const { taps } = conv;
    return this.#parts.of([in_proj, out_proj, taps], () => ({
      ...{ matrices: [in_proj, out_proj], norms: [], taps },
    }));
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [before = x, after = x, inner = x] = mx.split(this.in_proj.forward(x), 3, -1); // [B, L, E]
    const mixed = this.conv.continue(mx.multiply(before, inner), mask, arrays); // [B, L, E]
    arrays.advance(x.dim(1));
    return this.out_proj.forward(mx.multiply(after, mixed));
  }
}

class MLP extends Module implements DenseMlp {
  w1: Linear;
  w2: Linear;
  w3: Linear;

  constructor(c: Config) {
    super();
    const F = hiddenDims(c);
    this.w1 = new Linear(c.block_dim, F, false);
    this.w2 = new Linear(F, c.block_dim, false);
    this.w3 = new Linear(c.block_dim, F, false);
  }

  get parts(): DenseParts {
    return { layers: [this.w1, this.w3, this.w2], join: swiglu };
  }

  forward(x: MxArray): MxArray {
    return this.w2.forward(swiglu(this.w1.forward(x), this.w3.forward(x))); // [B, L, E]
  }
}

/** The given width, or two thirds of it times a factor, rounded up. */
const hiddenDims = (c: Config): number => {
  const given = c.block_ff_dim ?? c.intermediate_size;
  if (given === undefined) throw new ConfigError("config.json: the key block_ff_dim is missing");
  if (!c.block_auto_adjust_ff_dim) return given;
  const factor = c.block_ffn_dim_multiplier ?? 1;
  const adjusted = Math.trunc(factor * Math.trunc((2 * given) / 3));
  return Math.ceil(adjusted / c.block_multiple_of) * c.block_multiple_of;
};

class Block extends Module {
  declare self_attn?: Attention;
  declare conv?: ShortConv;
  feed_forward: FeedForward;
  operator_norm: Norm;
  ffn_norm: Norm;
  readonly #mixer: Mixer;

  constructor(c: SharedConfig, isRecurrent: boolean, feed_forward: FeedForward) {
    super();
    if (isRecurrent) this.#mixer = this.conv = new ShortConv(c);
    else this.#mixer = this.self_attn = new Attention(c);
    this.feed_forward = feed_forward;
    this.operator_norm = new RMSNorm(c.hidden_size, c.norm_eps);
    this.ffn_norm = new RMSNorm(c.hidden_size, c.norm_eps);
  }

  get mlp(): FeedForward {
    return this.feed_forward;
  }

  get input_layernorm(): Norm {
    return this.operator_norm;
  }

  get post_attention_layernorm(): Norm {
    return this.ffn_norm;
  }

  /** This block among others that may be one operation. */
  call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this, mask, cache };
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return throughBlock(x, this.call(mask, cache), {
      mix: () => this.#mixer.forward(this.operator_norm.forward(x), mask, cache),
      feed: (h) => this.feed_forward.forward(this.ffn_norm.forward(h)),
    });
  }
}

/** A decoder whose last norm is called `embedding_norm`. */
export class Lfm2Decoder extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Block[];
  embedding_norm: Norm;
  readonly #recurrence: Recurrence;

  constructor(c: SharedConfig, makeFeedForward: (layer: number) => FeedForward) {
    super();
    const isRecurrent = recurrentLayers(c);
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = isRecurrent.map((recurs, i) => new Block(c, recurs, makeFeedForward(i)));
    this.embedding_norm = new RMSNorm(c.hidden_size, c.norm_eps);
    this.#recurrence = { layers: isRecurrent, slots: 1 };
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.embedding_norm;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return hybridMasks(this.#recurrence, L, cache);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

const recurrentLayers = ({ full_attn_idxs, layer_types, num_hidden_layers }: SharedConfig): boolean[] =>
  Array.from({ length: num_hidden_layers }, (_, i) => {
    if (full_attn_idxs !== undefined) return !full_attn_idxs.includes(i);
    if (layer_types === undefined) throw new ConfigError("config.json: the key layer_types is missing");
    return layer_types[i] !== "full_attention";
  });

/** Convolutions whose channels PyTorch puts before positions. */
export const moveShortConvChannels = map<unknown>(
  /conv\.weight/,
  [transposed(0, 2, 1)],
  ([, channels = 0, positions = 0]) => positions > channels,
);

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM({ ...c, tie_word_embeddings: true }, new Lfm2Decoder(c, () => new MLP(c))),
  sanitize: [moveShortConvChannels],
});
