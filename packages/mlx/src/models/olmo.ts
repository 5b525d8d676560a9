/** The first OLMo: norms without weights, fused projections, names of its own. @see mlx-lm 0.32.2 models/olmo.py */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, split } from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module, type PositionEmbedding, swiglu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf, string } from "./config.ts";
import { type ForwardOptions, LanguageModel } from "./language-model.ts";

const config = {
  d_model: int.required(),
  n_layers: int.required(),
  mlp_hidden_size: int.optional(),
  n_heads: int.required(),
  vocab_size: int.required(),
  /** Rows of the embedding: at least as many as there are tokens. */
  embedding_size: int.required(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  mlp_ratio: number.default(4),
  weight_tying: bool.default(false),
  activation_type: oneOf("swiglu").optional(),
  alibi: oneOf(false).optional(),
  attention_layer_norm: oneOf(false).optional(),
  attention_layer_norm_with_affine: bool.optional(), // of norms that are switched off
  bias_for_layer_norm: oneOf(false).optional(),
  block_type: oneOf("sequential").optional(),
  clip_qkv: number.optional(), // mlx-lm clips nothing
  include_bias: oneOf(false).optional(),
  layer_norm_type: oneOf("default", "low_precision").optional(),
  layer_norm_with_affine: oneOf(false).optional(),
  multi_query_attention: oneOf(false).optional(),
  rope: oneOf(true).optional(),
  rope_full_precision: bool.optional(),
  scale_logits: oneOf(false).optional(),
  max_sequence_length: int.optional(),
  // how other programs run it, and what training needs
  alibi_bias_max: number.optional(),
  block_group_size: int.optional(),
  embedding_dropout: number.optional(),
  flash_attention: bool.optional(),
  init_cutoff_factor: number.optional(),
  init_device: string.optional(),
  init_fn: string.optional(),
  init_std: number.optional(),
  precision: string.optional(),
  residual_dropout: number.optional(),
};
type Config = Infer<typeof config>;

const bareNorm = (c: Config): LayerNorm => new LayerNorm(c.d_model, { affine: false });

/** Llama's block with everything on one level. */
class Block extends Module {
  ff_proj: Linear;
  ff_out: Linear;
  att_proj: Linear;
  attn_out: Linear;
  readonly #norm: LayerNorm;
  readonly #H: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: Config) {
    super();
    const D = Math.floor(c.d_model / c.n_heads);
    const F = c.mlp_hidden_size ?? Math.trunc(c.mlp_ratio * c.d_model);
    this.ff_proj = new Linear(c.d_model, F, false);
    this.ff_out = new Linear(Math.floor(F / 2), c.d_model, false);
    this.att_proj = new Linear(c.d_model, 3 * c.d_model, false);
    this.attn_out = new Linear(c.d_model, c.d_model, false);
    this.#norm = bareNorm(c);
    this.#H = c.n_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: c.rope_theta, traditional: c.rope_traditional });
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const heads = splitFusedHeads(this.att_proj.forward(this.#norm.forward(x)), this.#H, this.#H); // [B, H, L, D]
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    const h = add(x, this.attn_out.forward(cachedAttention(...heads, options))); // [B, L, E]
    const [up = h, gate = h] = split(this.ff_proj.forward(this.#norm.forward(h)), 2, -1); // [B, L, F / 2]
    return add(h, this.ff_out.forward(swiglu(gate, up)));
  }
}

/** The output layer, `ff_out`, is in here too. */
class Transformer extends DecoderFrame<Block> {
  wte: Embedding;
  blocks: Block[];
  declare ff_out?: Linear;
  readonly #norm: LayerNorm;

  constructor(c: Config) {
    super();
    this.wte = new Embedding(c.embedding_size, c.d_model);
    this.blocks = Array.from({ length: c.n_layers }, () => new Block(c));
    if (!c.weight_tying) this.ff_out = new Linear(c.d_model, c.embedding_size, false);
    this.#norm = bareNorm(c);
  }

  get embedding(): Embedding {
    return this.wte;
  }

  protected get lastNorm(): LayerNorm {
    return this.#norm;
  }
}

/** Checkpoints have everything at `model.transformer`. */
class Inner extends Module {
  transformer: Transformer;

  constructor(c: Config) {
    super();
    this.transformer = new Transformer(c);
  }
}

class OlmoModel extends LanguageModel {
  model: Inner;

  constructor(c: Config) {
    super();
    this.model = new Inner(c);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    const { transformer } = this.model;
    const h = transformer.forward(tokens, options); // [B, L, E]
    return transformer.ff_out?.forward(h) ?? transformer.embedding.asLinear(h); // [B, L, V]
  }

  get layers(): readonly Block[] {
    return this.model.transformer.blocks;
  }
}

export const architecture = defineArchitecture({ config, create: (c) => new OlmoModel(c) });
