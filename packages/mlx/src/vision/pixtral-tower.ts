/** Pixtral's vision tower: a decoder's blocks over patches of images of any size. @see mlx-vlm 0.7.10 models/pixtral/vision.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { add, type MxArray } from "../core/index.ts";
import { type Infer, int, number, oneOf } from "../models/config.ts";
import { Linear, Module, RMSNorm, turnPairs } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { gridAngles, patchPositions } from "./patch-grid.ts";

/** Keys of `vision_config` for Pixtral's tower. */
export const pixtralTowerConfig = {
  num_hidden_layers: int.default(24),
  hidden_size: int.default(1024),
  head_dim: int.default(64),
  intermediate_size: int.default(4096),
  num_attention_heads: int.default(16),
  image_size: int.optional(), // images may have any
  patch_size: int.default(16),
  num_channels: int.default(3),
  rms_norm_eps: number.default(1e-5),
  rope_theta: number.default(10000),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof pixtralTowerConfig>;

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #H: number;

  constructor({ hidden_size: E, num_attention_heads }: Config) {
    super();
    this.q_proj = new Linear(E, E, false);
    this.k_proj = new Linear(E, E, false);
    this.v_proj = new Linear(E, E, false);
    this.o_proj = new Linear(E, E, false);
    this.#H = num_attention_heads;
  }

  /** `[1, N, E] -> [1, N, E]`, with angles `[N, D / 2]` */
  forward(x: MxArray, angles: MxArray): MxArray {
    const [B = 1, N = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, N, this.#H); // [1, H, N, D]
    const v = heads(this.v_proj);
    const D = v.dim(-1);
    const turned = (layer: Linear) => turnPairs(heads(layer), D, false, angles);
    const out = attention(turned(this.q_proj), turned(this.k_proj), v, { scale: D ** -0.5 });
    return this.o_proj.forward(mergeHeads(out, B, N));
  }
}

class Block extends Module {
  attention: Attention;
  attention_norm: RMSNorm;
  feed_forward: GatedMLP;
  ffn_norm: RMSNorm;

  constructor(c: Config) {
    super();
    this.attention = new Attention(c);
    this.attention_norm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
    this.feed_forward = new GatedMLP(c.hidden_size, c.intermediate_size);
    this.ffn_norm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
  }

  forward(x: MxArray, angles: MxArray): MxArray {
    const h = add(x, this.attention.forward(this.attention_norm.forward(x), angles)); // [1, N, E]
    return add(h, this.feed_forward.forward(this.ffn_norm.forward(h))); // [1, N, E]
  }
}

class Transformer extends Module {
  layers: Block[];

  constructor(c: Config) {
    super();
    this.layers = Array.from({ length: c.num_hidden_layers }, () => new Block(c));
  }
}

class Parts extends Module {
  patch_conv: PatchEmbedding;
  ln_pre: RMSNorm;
  transformer: Transformer;

  constructor(c: Config) {
    super();
    this.patch_conv = new PatchEmbedding(c.num_channels, c.hidden_size, c.patch_size, false);
    this.ln_pre = new RMSNorm(c.hidden_size);
    this.transformer = new Transformer(c);
  }
}

/** A tower under `vision_model`. */
export class PixtralTower extends Module {
  vision_model: Parts;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.vision_model = new Parts(c);
    this.#c = c;
  }

  /** Rows and columns of an image's patches. */
  gridOf(pixels: MxArray): [rows: number, columns: number] {
    const [, , H = 0, W = 0] = pixels.shape;
    return [Math.floor(H / this.#c.patch_size), Math.floor(W / this.#c.patch_size)];
  }

  /** What enters the first block and what leaves each, `[1, N, E]`, of pixels `[1, C, H, W]`. */
  hiddenStates(pixels: MxArray): MxArray[] {
    const { patch_conv, ln_pre, transformer } = this.vision_model;
    const [rows, columns] = this.gridOf(pixels);
    const positions = patchPositions({ frames: 1, rows, columns, merge: 1 });
    const angles = gridAngles(positions, this.#c.head_dim, { base: this.#c.rope_theta, takeTurns: true });
    const embedded = ln_pre.forward(patch_conv.forward(pixels));
    const states = [embedded];
    for (const block of transformer.layers) states.push(block.forward(states.at(-1) ?? embedded, angles));
    return states;
  }
}
