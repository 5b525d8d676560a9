/**
 * MoonViT, Kimi's vision tower: patches of images of any size, with learned positions that are stretched to the image and
 * turns by row and column.
 *
 * @see mlx-vlm 0.7.10 models/kimi_vl/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import * as mx from "../core/index.ts";
import { add, type MxArray, reshape } from "../core/index.ts";
import { type Infer, int, list } from "../models/config.ts";
import { geluApprox, LayerNorm, Linear, Module, turnPairs } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { gridAngles, patchPositions } from "./patch-grid.ts";
import { stretchedTable } from "./stretched-table.ts";

/** Keys of `vision_config` for MoonViT. */
export const moonVitConfig = {
  hidden_size: int.default(1152),
  num_hidden_layers: int.default(27),
  num_attention_heads: int.default(16),
  embed_dim: int.optional(), // what converted checkpoints call the three
  depth: int.optional(),
  num_heads: int.optional(),
  intermediate_size: int.default(4304),
  num_channels: int.default(3),
  patch_size: int.default(14),
  init_pos_emb_height: int.default(64),
  init_pos_emb_width: int.default(64),
  /** Rows and columns of patches that become one token. */
  merge_kernel_size: list(int.required()).default([2, 2]),
};
type Config = Infer<typeof moonVitConfig>;

class Attention extends Module {
  wqkv: Linear;
  wo: Linear;
  readonly #H: number;

  constructor(dims: number, heads: number) {
    super();
    this.wqkv = new Linear(dims, dims * 3);
    this.wo = new Linear(dims, dims);
    this.#H = heads;
  }

  /** `[1, N, E] -> [1, N, E]`, with angles `[N, D / 2]` */
  forward(x: MxArray, angles: MxArray): MxArray {
    const [B = 1, N = 1] = x.shape;
    const parts = mx.split(this.wqkv.forward(x), 3, -1);
    const [q = x, k = x, v = x] = parts.map((part) => splitHeads(part, B, N, this.#H)); // [1, H, N, D]
    const D = q.dim(-1);
    const turn = (heads: MxArray) => turnPairs(heads, D, true, angles);
    return this.wo.forward(mergeHeads(attention(turn(q), turn(k), v, { scale: D ** -0.5 }), B, N));
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

  constructor(c: Config) {
    super();
    this.norm0 = new LayerNorm(c.hidden_size, { eps: 1e-5 });
    this.norm1 = new LayerNorm(c.hidden_size, { eps: 1e-5 });
    this.attn = new Attention(c.hidden_size, c.num_heads ?? c.num_attention_heads);
    this.mlp = new MLP(c.hidden_size, c.intermediate_size);
  }

  forward(x: MxArray, angles: MxArray): MxArray {
    const h = add(x, this.attn.forward(this.norm0.forward(x), angles)); // [1, N, E]
    return add(h, this.mlp.forward(this.norm1.forward(h))); // [1, N, E]
  }
}

class Positions extends Module {
  weight: MxArray;

  constructor(c: Config) {
    super();
    this.weight = mx.zeros([c.init_pos_emb_height, c.init_pos_emb_width, c.hidden_size]);
  }
}

class Patches extends Module {
  proj: PatchEmbedding;
  pos_emb: Positions;

  constructor(c: Config) {
    super();
    this.proj = new PatchEmbedding(c.num_channels, c.hidden_size, c.patch_size);
    this.pos_emb = new Positions(c);
  }

  /** `[N, C, P, P] -> [1, N, E]`, rows of patches from the top */
  forward(pixels: MxArray, rows: number, columns: number): MxArray {
    const patches = mx.transpose(this.proj.forward(pixels), [1, 0, 2]);
    return add(patches, stretchedTable(this.pos_emb.weight, rows, columns));
  }
}

/** Pairs of neighbours turn by column and by row in turns, `[N, D / 2]`. */
const anglesOf = (rows: number, columns: number, headDim: number): MxArray => {
  const positions = patchPositions({ frames: 1, rows, columns, merge: 1 });
  const [byRow = positions, byColumn = positions] = mx.split(gridAngles(positions, headDim), 2, 1);
  return reshape(mx.stack([byColumn, byRow], -1), [rows * columns, -1]);
};

/** See the head of this file. */
export class MoonVit extends Module {
  patch_embed: Patches;
  blocks: Block[];
  final_layernorm: LayerNorm;
  readonly #headDim: number;

  constructor(c: Config) {
    super();
    this.#headDim = c.hidden_size / (c.num_heads ?? c.num_attention_heads);
    this.patch_embed = new Patches(c);
    this.blocks = Array.from({ length: c.depth ?? c.num_hidden_layers }, () => new Block(c));
    this.final_layernorm = new LayerNorm(c.hidden_size, { eps: 1e-5 });
  }

  /** `[N, C, P, P] -> [1, N, E]` */
  forward(pixels: MxArray, rows: number, columns: number): MxArray {
    const angles = anglesOf(rows, columns, this.#headDim);
    const embedded = this.patch_embed.forward(pixels, rows, columns);
    return this.final_layernorm.forward(this.blocks.reduce((h, block) => block.forward(h, angles), embedded));
  }
}
