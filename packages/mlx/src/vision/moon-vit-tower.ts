/**
 * MoonViT: patches of pictures of any size, whose heads turn by row and column. As in training, its GELU is by tanh, its
 * norms have an epsilon of 1e-5, and positions between those of the table are as torch has them; mlx-vlm's GELU is exact,
 * its epsilon 1e-6, and its positions differ along the edges.
 *
 * @see mlx-vlm 0.7.10 models/kimi_vl/vision.py, models/kimi_k25/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { geluApprox, LayerNorm, Linear, Module, turnPairs } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { gridAngles, patchPositions } from "./patch-grid.ts";
import { resizeGrid } from "./resize-grid.ts";

/** Sizes of the tower. */
export interface MoonViTConfig {
  readonly hidden_size: number;
  readonly depth: number;
  readonly intermediate_size: number;
  readonly num_heads: number;
  readonly num_channels: number;
  readonly patch_size: number;
  /** Rows and columns of the table of positions. */
  readonly init_pos_emb_height: number;
  readonly init_pos_emb_width: number;
}

const NORM = { eps: 1e-5 };

class Attention extends Module {
  wqkv: Linear;
  wo: Linear;
  readonly #H: number;

  constructor(E: number, heads: number) {
    super();
    this.wqkv = new Linear(E, 3 * E);
    this.wo = new Linear(E, E);
    this.#H = heads;
  }

  /** `[1, N, E] -> [1, N, E]`, with angles `[N, D / 2]` */
  forward(x: MxArray, angles: MxArray): MxArray {
    const [B = 1, N = 1] = x.shape;
    const heads = mx.split(this.wqkv.forward(x), 3, -1).map((part) => splitHeads(part, B, N, this.#H));
    const [q = x, k = x, v = x] = heads; // [1, H, N, D]
    const D = q.dim(-1);
    const turned = (part: MxArray) => turnPairs(part, D, true, angles);
    const out = attention(turned(q), turned(k), v, { scale: D ** -0.5 });
    return this.wo.forward(mergeHeads(out, B, N));
  }
}

class MLP extends Module {
  fc0: Linear;
  fc1: Linear;

  constructor(dims: number, hiddenDims: number) {
    super();
    this.fc0 = new Linear(dims, hiddenDims);
    this.fc1 = new Linear(hiddenDims, dims);
  }

  forward(x: MxArray): MxArray {
    return this.fc1.forward(geluApprox(this.fc0.forward(x)));
  }
}

class Block extends Module {
  norm0: LayerNorm;
  norm1: LayerNorm;
  attn: Attention;
  mlp: MLP;

  constructor(c: MoonViTConfig) {
    super();
    this.norm0 = new LayerNorm(c.hidden_size, NORM);
    this.norm1 = new LayerNorm(c.hidden_size, NORM);
    this.attn = new Attention(c.hidden_size, c.num_heads);
    this.mlp = new MLP(c.hidden_size, c.intermediate_size);
  }

  forward(x: MxArray, angles: MxArray): MxArray {
    const h = mx.add(x, this.attn.forward(this.norm0.forward(x), angles)); // [1, N, E]
    return mx.add(h, this.mlp.forward(this.norm1.forward(h))); // [1, N, E]
  }
}

/** A table of positions, read between its rows and columns where a picture has other numbers of them. */
class Positions extends Module {
  weight: MxArray;

  constructor(c: MoonViTConfig) {
    super();
    this.weight = mx.ones([c.init_pos_emb_height, c.init_pos_emb_width, c.hidden_size]);
  }

  /** `[rows * columns, E]` */
  forward(rows: number, columns: number): MxArray {
    return mx.flatten(resizeGrid(this.weight, rows, columns, { by: "cubic" }), 0, 1);
  }
}

class Patches extends Module {
  proj: PatchEmbedding;
  pos_emb: Positions;

  constructor(c: MoonViTConfig) {
    super();
    this.proj = new PatchEmbedding(c.num_channels, c.hidden_size, c.patch_size);
    this.pos_emb = new Positions(c);
  }

  /** `[rows * columns, C, P, P] -> [1, rows * columns, E]` */
  forward(pixels: MxArray, rows: number, columns: number): MxArray {
    const patches = mx.transpose(this.proj.forward(pixels), [1, 0, 2]); // [1, N, E]
    return mx.add(patches, this.pos_emb.forward(rows, columns));
  }
}

/** See the head of this file. */
export class MoonViT extends Module {
  patch_embed: Patches;
  blocks: Block[];
  final_layernorm: LayerNorm;
  readonly #headDim: number;

  constructor(c: MoonViTConfig) {
    super();
    this.patch_embed = new Patches(c);
    this.blocks = Array.from({ length: c.depth }, () => new Block(c));
    this.final_layernorm = new LayerNorm(c.hidden_size, NORM);
    this.#headDim = Math.floor(c.hidden_size / c.num_heads);
  }

  /** `[rows * columns, C, P, P] -> [1, rows * columns, E]` */
  forward(pixels: MxArray, rows: number, columns: number): MxArray {
    const angles = this.#angles(rows, columns);
    let x = this.patch_embed.forward(pixels, rows, columns);
    for (const block of this.blocks) x = block.forward(x, angles);
    return this.final_layernorm.forward(x);
  }

  /** Pairs turn by column and by row in turn, `[N, D / 2]`. */
  #angles(rows: number, columns: number): MxArray {
    const positions = patchPositions({ frames: 1, rows, columns, merge: 1 });
    const [byRow = positions, byColumn = positions] = mx.split(gridAngles(positions, this.#headDim), 2, -1); // [N, D / 4]
    return mx.flatten(mx.stack([byColumn, byRow], -1), 1);
  }
}
