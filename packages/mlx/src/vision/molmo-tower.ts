/** Molmo's tower: CLIP's by other names, four of whose patches become one token. @see mlx-vlm 0.7.10 models/molmo/vision.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type Infer, int, list, number, oneOf } from "../models/config.ts";
import { geluQuick, LayerNorm, Linear, Module, swiglu } from "../nn/index.ts";

/** Keys of `vision_config` for Molmo's tower; the two without a default follow from the language model. */
export const molmoTowerConfig = {
  /** Features within the projector. */
  hidden_size: int.required(),
  /** Features of the language model. */
  d_model: int.required(),
  image_default_input_size: list(int.required()).default([336, 336]),
  image_patch_size: int.default(14),
  image_emb_dim: int.default(1024),
  image_num_heads: int.default(16),
  image_num_key_value_heads: int.default(16),
  image_num_layers: int.default(23),
  image_head_dim: int.default(64),
  image_mlp_dim: int.default(4096),
  image_num_pos: int.default(577),
  image_norm_eps: number.default(1e-5),
  image_pooling_h: int.default(2),
  image_pooling_w: int.default(2),
  /** Whose outputs are taken side by side, counted from the end where negative. */
  vit_layers: list(number.required()).default([-2, -9]),
  image_mlp_activations: oneOf("gelu").optional(), // means the quick one
  image_padding_embed: oneOf("pad_and_partial_pad").optional(),
  image_pooling_2d: oneOf("attention-meanq").optional(),
  num_channels: oneOf(3).optional(),
  // what the sizes above say as well, and what training needs
  image_dropout_rate: number.optional(),
  image_pos_patch_size: int.optional(),
  intermediate_size: int.optional(),
};
type Config = Infer<typeof molmoTowerConfig>;

const norm = (c: Config): LayerNorm => new LayerNorm(c.image_emb_dim, { eps: c.image_norm_eps });

class Attention extends Module {
  wq: Linear;
  wk: Linear;
  wv: Linear;
  wo: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #D: number;

  constructor(c: Config, inputs: number) {
    super();
    this.#H = c.image_num_heads;
    this.#K = c.image_num_key_value_heads;
    this.#D = c.image_head_dim;
    this.wq = new Linear(inputs, this.#H * this.#D);
    this.wk = new Linear(inputs, this.#K * this.#D);
    this.wv = new Linear(inputs, this.#K * this.#D);
    this.wo = new Linear(this.#H * this.#D, c.image_emb_dim);
  }

  /** What `x [B, L, E]` asks of `context [B, S, E]`, `[B, L, E']`. */
  forward(x: MxArray, context = x): MxArray {
    const [B = 1, L = 1] = x.shape;
    const S = context.dim(1);
    const q = splitHeads(this.wq.forward(x), B, L, this.#H); // [B, H, L, D]
    const k = splitHeads(this.wk.forward(context), B, S, this.#K); // [B, K, S, D]
    const v = splitHeads(this.wv.forward(context), B, S, this.#K);
    return this.wo.forward(mergeHeads(attention(q, k, v, { scale: this.#D ** -0.5 }), B, L));
  }
}

class MLP extends Module {
  w1: Linear;
  w2: Linear;

  constructor(c: Config) {
    super();
    this.w1 = new Linear(c.image_emb_dim, c.image_mlp_dim);
    this.w2 = new Linear(c.image_mlp_dim, c.image_emb_dim);
  }

  forward(x: MxArray): MxArray {
    return this.w2.forward(geluQuick(this.w1.forward(x)));
  }
}

class Block extends Module {
  attention: Attention;
  feed_forward: MLP;
  attention_norm: LayerNorm;
  ffn_norm: LayerNorm;

  constructor(c: Config) {
    super();
    this.attention = new Attention(c, c.image_emb_dim);
    this.feed_forward = new MLP(c);
    this.attention_norm = norm(c);
    this.ffn_norm = norm(c);
  }

  forward(x: MxArray): MxArray {
    const h = mx.add(x, this.attention.forward(this.attention_norm.forward(x)));
    return mx.add(h, this.feed_forward.forward(this.ffn_norm.forward(h)));
  }
}

class Blocks extends Module {
  resblocks: Block[];

  constructor(c: Config) {
    super();
    this.resblocks = Array.from({ length: c.image_num_layers }, () => new Block(c));
  }
}

class VisionTransformer extends Module {
  class_embedding: MxArray;
  positional_embedding: MxArray;
  patch_embedding: Linear;
  pre_ln: LayerNorm;
  transformer: Blocks;

  constructor(c: Config) {
    super();
    this.class_embedding = mx.zeros([c.image_emb_dim]);
    this.positional_embedding = mx.zeros([c.image_num_pos, c.image_emb_dim]);
    this.patch_embedding = new Linear(c.image_patch_size ** 2 * 3, c.image_emb_dim, false);
    this.pre_ln = norm(c);
    this.transformer = new Blocks(c);
  }

  /** What leaves each block, `[crops, 1 + N, E]`, of patches `[crops, N, P * P * C]`. */
  hiddenStates(patches: MxArray): MxArray[] {
    const rows = this.patch_embedding.forward(patches);
    const first = mx.broadcastTo(this.class_embedding, [rows.dim(0), 1, rows.dim(2)]);
    let h = this.pre_ln.forward(mx.add(mx.concatenate([first, rows], 1), this.positional_embedding));
    return this.transformer.resblocks.map((block) => {
      h = block.forward(h);
      return h;
    });
  }
}

class Projector extends Module {
  w1: Linear;
  w2: Linear;
  w3: Linear;

  constructor(c: Config) {
    super();
    this.w1 = new Linear(c.image_emb_dim, c.hidden_size, false);
    this.w2 = new Linear(c.hidden_size, c.d_model, false);
    this.w3 = new Linear(c.image_emb_dim, c.hidden_size, false);
  }

  forward(x: MxArray): MxArray {
    return this.w2.forward(swiglu(this.w1.forward(x), this.w3.forward(x)));
  }
}

/** The tower with what makes tokens of its patches. */
export class MolmoTower extends Module {
  image_vit: VisionTransformer;
  image_pooling_2d: Attention;
  image_projector: Projector;
  /** For patches without and with a little of the picture. */
  pad_embed: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    const width = c.image_emb_dim * c.vit_layers.length;
    this.#c = c;
    this.image_vit = new VisionTransformer(c);
    this.image_pooling_2d = new Attention(c, width);
    this.image_projector = new Projector(c);
    this.pad_embed = mx.zeros([2, width]);
  }

  /**
   * @param patches - `[crops, N, P * P * C]`
   * @param masks - the share of each patch that is picture, `[crops, N]`
   * @returns rows of tokens from the top of each crop, `[crops * N / 4, E]`
   */
  forward(patches: MxArray, masks: MxArray): MxArray {
    const {
      image_default_input_size: size,
      image_patch_size: P,
      image_pooling_h: h,
      image_pooling_w: w,
    } = this.#c;
    const [rows = 1, columns = 1] = size.map((side) => Math.floor(side / P));
    const states = this.image_vit.hiddenStates(patches);
    const chosen = this.#c.vit_layers.flatMap((layer) => states.at(layer) ?? []);
    const seen = mx.add(mx.index(mx.concatenate(chosen, -1), [], [1]), this.#padding(masks)); // [crops, N, E]
    const cells = mx.reshape(seen, [-1, rows / h, h, columns / w, w, seen.dim(-1)]);
    const squares = mx.reshape(mx.transpose(cells, [0, 1, 3, 2, 4, 5]), [-1, h * w, seen.dim(-1)]);
    const pooled = this.image_pooling_2d.forward(mx.mean(squares, 1, true), squares); // [tokens, 1, E]
    return this.image_projector.forward(mx.squeeze(pooled, 1));
  }

  /** What is added to patches that are not whole, `[crops, N, E]`. */
  #padding(masks: MxArray): MxArray {
    const share = mx.expandDims(masks, -1);
    const isEmpty = mx.equal(share, 0);
    const isPart = mx.logicalAnd(mx.less(share, 1), mx.logicalNot(isEmpty));
    const [empty = share, part = share] = mx.split(this.pad_embed, 2, 0); // [1, E]
    return mx.add(mx.multiply(empty, isEmpty), mx.multiply(part, isPart));
  }
}
