/**
 * SAM's tower: attention within windows and, in a few blocks, to all patches, told how far apart they are; convolutions
 * then make one feature of 16 patches. Pictures of other sizes than its tables get those resized as torch does.
 *
 * @see mlx-vlm 0.7.10 models/deepseekocr/sam.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type Infer, int, list } from "../models/config.ts";
import { Conv2d, gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { resizeGrid } from "./resize-grid.ts";

/** What configs say of the tower. */
export const samTowerConfig = {
  image_size: int.default(1024),
  width: int.default(768),
  layers: int.default(12),
  heads: int.default(12),
  patch_size: int.default(16),
  /** Patches along a window. */
  window_size: int.default(14),
  /** Features between the blocks and the convolutions. */
  prompt_embed_dim: int.default(256),
  /** Blocks whose attention goes to all patches. */
  global_attn_indexes: list(int.required()).default([2, 5, 8, 11]),
  downsample_channels: list(int.required()).default([512, 1024]),
};
type Config = Infer<typeof samTowerConfig>;

const MLP_RATIO = 4;
const NORM = { eps: 1e-6 };

/** For each of `size` places in a line, the row of a table `[L, D]` by the distance to each, `[size, size, D]`. */
const byDistance = (table: MxArray, size: number): MxArray => {
  const rows = mx.squeeze(resizeGrid(mx.expandDims(table, 1), 2 * size - 1, 1), 1); // [2 size - 1, D]
  const places = mx.arange(0, size);
  const distances = mx.subtract(mx.expandDims(places, 1), mx.expandDims(places, 0)).add(size - 1);
  return mx.take(rows, distances.astype(mx.int32), 0);
};

class Attention extends Module {
  qkv: Linear;
  proj: Linear;
  rel_pos_h: MxArray;
  rel_pos_w: MxArray;
  readonly #H: number;
  readonly #D: number;

  /** @param side - places along a side that the tables are for */
  constructor({ width, heads }: Config, side: number) {
    super();
    this.#H = heads;
    this.#D = width / heads;
    this.qkv = new Linear(width, width * 3);
    this.proj = new Linear(width, width);
    this.rel_pos_h = mx.zeros([2 * side - 1, this.#D]);
    this.rel_pos_w = mx.zeros([2 * side - 1, this.#D]);
  }

  /** `[B, rows, columns, E] -> [B, rows, columns, E]` */
  forward(x: MxArray): MxArray {
    const [B = 1, rows = 1, columns = 1] = x.shape;
    const N = rows * columns;
    const parts = mx.split(mx.flatten(this.qkv.forward(x), 1, 2), 3, -1);
    const [q = x, k = x, v = x] = parts.map((part) => splitHeads(part, B, N, this.#H)); // [B, H, N, D]
    const mask = this.#distances(mx.unflatten(q, 2, [rows, columns]));
    const mixed = mergeHeads(attention(q, k, v, { scale: this.#D ** -0.5, mask }), B, N);
    return this.proj.forward(mx.unflatten(mixed, 1, [rows, columns]));
  }

  /** What queries `[B, H, rows, columns, D]` add to their scores for distances, `[B, H, N, N]`. */
  #distances(q: MxArray): MxArray {
    const [rows = 1, columns = 1] = [q.dim(2), q.dim(3)];
    const byRow = mx.swapaxes(byDistance(this.rel_pos_h, rows), 1, 2); // [rows, D, rows]
    const byColumn = mx.swapaxes(byDistance(this.rel_pos_w, columns), 1, 2); // [columns, D, columns]
    const ofRows = mx.matmul(q, byRow); // [B, H, rows, columns, rows]
    const ofColumns = mx.swapaxes(mx.matmul(mx.swapaxes(q, 2, 3), byColumn), 2, 3); // [B, H, rows, columns, columns]
    const sums = mx.add(mx.expandDims(ofRows, -1), mx.expandDims(ofColumns, -2));
    return mx.flatten(mx.flatten(sums, 4, 5), 2, 3);
  }
}

class MLP extends Module {
  lin1: Linear;
  lin2: Linear;

  constructor(dims: number) {
    super();
    this.lin1 = new Linear(dims, dims * MLP_RATIO);
    this.lin2 = new Linear(dims * MLP_RATIO, dims);
  }

  forward(x: MxArray): MxArray {
    return this.lin2.forward(gelu(this.lin1.forward(x)));
  }
}

/** What is made of each window of `size` by `size` places, zeros where windows go over the edges. */
const withinWindows = (x: MxArray, size: number, make: (windows: MxArray) => MxArray): MxArray => {
  const [B = 1, H = 1, W = 1, E = 1] = x.shape;
  const [rows, columns] = [Math.ceil(H / size), Math.ceil(W / size)];
  const whole = mx.pad(x, [1, 2], [0, 0], [rows * size - H, columns * size - W]);
  const cut = mx.transpose(mx.reshape(whole, [B, rows, size, columns, size, E]), [0, 1, 3, 2, 4, 5]);
  const made = make(mx.reshape(cut, [B * rows * columns, size, size, E]));
  const back = mx.transpose(mx.reshape(made, [B, rows, columns, size, size, E]), [0, 1, 3, 2, 4, 5]);
  return mx.slice(mx.reshape(back, [B, rows * size, columns * size, E]), [0, 0, 0, 0], [B, H, W, E]);
};

class Block extends Module {
  norm1: LayerNorm;
  attn: Attention;
  norm2: LayerNorm;
  mlp: MLP;
  /** Patches along a window; undefined where all are seen. */
  readonly #window: number | undefined;

  constructor(c: Config, layer: number) {
    super();
    this.#window = c.global_attn_indexes.includes(layer) ? undefined : c.window_size;
    this.norm1 = new LayerNorm(c.width, NORM);
    this.attn = new Attention(c, this.#window ?? Math.floor(c.image_size / c.patch_size));
    this.norm2 = new LayerNorm(c.width, NORM);
    this.mlp = new MLP(c.width);
  }

  /** `[B, H, W, E] -> [B, H, W, E]` */
  forward(x: MxArray): MxArray {
    const h = mx.add(x, this.#attend(this.norm1.forward(x)));
    return mx.add(h, this.mlp.forward(this.norm2.forward(h)));
  }

  #attend(x: MxArray): MxArray {
    if (this.#window === undefined) return this.attn.forward(x);
    return withinWindows(x, this.#window, (windows) => this.attn.forward(windows));
  }
}

class Patches extends Module {
  proj: PatchEmbedding;

  constructor({ width, patch_size }: Config) {
    super();
    this.proj = new PatchEmbedding(3, width, patch_size);
  }
}

/** SAM's tower with the convolutions behind it. */
export class SamTower extends Module {
  patch_embed: Patches;
  pos_embed: MxArray;
  blocks: Block[];
  neck: [Conv2d, LayerNorm, Conv2d, LayerNorm];
  net_2: Conv2d;
  net_3: Conv2d;
  readonly #patchSize: number;

  constructor(c: Config) {
    super();
    const side = Math.floor(c.image_size / c.patch_size);
    const [width, [middle = 0, last = 0]] = [c.prompt_embed_dim, c.downsample_channels];
    this.patch_embed = new Patches(c);
    this.pos_embed = mx.zeros([1, side, side, c.width]);
    this.blocks = Array.from({ length: c.layers }, (_, layer) => new Block(c, layer));
    this.neck = [
      new Conv2d(c.width, width, 1, { bias: false }),
      new LayerNorm(width, NORM),
      new Conv2d(width, width, 3, { padding: 1, bias: false }),
      new LayerNorm(width, NORM),
    ];
    this.net_2 = new Conv2d(width, middle, 3, { stride: 2, padding: 1, bias: false });
    this.net_3 = new Conv2d(middle, last, 3, { stride: 2, padding: 1, bias: false });
    this.#patchSize = c.patch_size;
  }

  /** Pixels `[B, C, H, W]` to features of 4 by 4 patches, `[B, rows, columns, E]`. */
  forward(pixels: MxArray): MxArray {
    const [rows, columns] = [pixels.dim(2), pixels.dim(3)].map((size) => Math.floor(size / this.#patchSize));
    const [H = 0, W = 0] = [rows, columns];
    const positions = resizeGrid(mx.squeeze(this.pos_embed, 0), H, W, { by: "cubic", antialias: true });
    const patches = mx.unflatten(this.patch_embed.proj.forward(pixels), 1, [H, W]);
    let x = mx.add(patches, positions);
    for (const layer of [...this.blocks, ...this.neck]) x = layer.forward(x);
    return this.net_3.forward(this.net_2.forward(x));
  }
}
