/**
 * The vision tower of Qwen 3 and 3.5: patches with learned positions, stretched to the image's size. What leaves some
 * blocks goes to the language model's first blocks as well.
 *
 * @see mlx-vlm 0.7.10 models/qwen3_vl/vision.py
 */

import * as mx from "../core/index.ts";
import { add, type MxArray, reshape } from "../core/index.ts";
import { type Infer, int, list, oneOf } from "../models/config.ts";
import { Embedding, gelu, geluApprox, LayerNorm, Linear, Module } from "../nn/index.ts";
import { GridAttention } from "./grid-attention.ts";
import { gridAngles, type PatchGrid, patchPositions } from "./patch-grid.ts";
import { GridBlock, PatchVolumes } from "./qwen-parts.ts";

/** Keys of `vision_config` for Qwen 3's tower. */
export const qwen3TowerConfig = {
  depth: int.default(32),
  hidden_size: int.default(1280),
  intermediate_size: int.default(3420),
  out_hidden_size: int.default(1536),
  num_heads: int.default(16),
  in_channels: int.default(3),
  patch_size: int.default(16),
  spatial_merge_size: int.default(2),
  temporal_patch_size: int.default(2),
  num_position_embeddings: int.default(2304),
  deepstack_visual_indexes: list(int.required()).default([]),
  hidden_act: oneOf("gelu_pytorch_tanh").optional(),
};
type Config = Infer<typeof qwen3TowerConfig>;

class MLP extends Module {
  linear_fc1: Linear;
  linear_fc2: Linear;

  constructor(c: Config) {
    super();
    this.linear_fc1 = new Linear(c.hidden_size, c.intermediate_size);
    this.linear_fc2 = new Linear(c.intermediate_size, c.hidden_size);
  }

  forward(x: MxArray): MxArray {
    return this.linear_fc2.forward(geluApprox(this.linear_fc1.forward(x)));
  }
}

/** Squares of patches side by side, normed before or after that, through two layers into tokens. */
class Merger extends Module {
  norm: LayerNorm;
  linear_fc1: Linear;
  linear_fc2: Linear;
  readonly #width: number;
  readonly #normsTokens: boolean;

  constructor(c: Config, { normsTokens = false } = {}) {
    super();
    this.#width = c.hidden_size * c.spatial_merge_size ** 2;
    this.#normsTokens = normsTokens;
    this.norm = new LayerNorm(normsTokens ? this.#width : c.hidden_size, { eps: 1e-6 });
    this.linear_fc1 = new Linear(this.#width, this.#width);
    this.linear_fc2 = new Linear(this.#width, c.out_hidden_size);
  }

  /** `[N, E] -> [N / merge ** 2, E']` */
  forward(x: MxArray): MxArray {
    const merged = (rows: MxArray): MxArray => reshape(rows, [-1, this.#width]);
    const normed = this.#normsTokens ? this.norm.forward(merged(x)) : merged(this.norm.forward(x));
    return this.linear_fc2.forward(gelu(this.linear_fc1.forward(normed)));
  }
}

const makeBlock = (c: Config): GridBlock =>
  new GridBlock(
    new GridAttention(c.hidden_size, c.num_heads),
    new MLP(c),
    () => new LayerNorm(c.hidden_size, { eps: 1e-6 }),
  );

/** Cells of a table of `side` rows that surround a position of each of `count` patches, and how far they reach. */
const neighbours = (positions: MxArray, count: number, side: number) => {
  const at = positions.astype(mx.float32).multiply(count > 1 ? (side - 1) / (count - 1) : 0);
  const before = mx.floor(at).astype(mx.int32);
  const after = mx.minimum(before.add(1), side - 1);
  return { before, after, share: at.subtract(before) };
};

/** Qwen 3's tower: patches with learned positions that stretch to any grid. */
export class Qwen3Tower extends Module {
  patch_embed: PatchVolumes;
  pos_embed: Embedding;
  blocks: GridBlock[];
  merger: Merger;
  deepstack_merger_list: Merger[];
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.#c = c;
    this.patch_embed = new PatchVolumes(c, true);
    this.pos_embed = new Embedding(c.num_position_embeddings, c.hidden_size);
    this.blocks = Array.from({ length: c.depth }, () => makeBlock(c));
    this.merger = new Merger(c);
    this.deepstack_merger_list = c.deepstack_visual_indexes.map(() => new Merger(c, { normsTokens: true }));
  }

  /** Patches `[N, C * T * P * P]` to a row per token, and as many rows for each of the language model's first blocks. */
  forward(patches: MxArray, grid: PatchGrid): { embeddings: MxArray; additions: MxArray[] } {
    const { hidden_size, num_heads, deepstack_visual_indexes } = this.#c;
    const positions = patchPositions(grid); // [N, 2]
    const angles = gridAngles(positions, hidden_size / num_heads);
    const segments = [{ count: grid.frames, size: grid.rows * grid.columns }];
    const additions: MxArray[] = [];
    let h = add(this.patch_embed.forward(patches), this.#positionRows(positions, grid)); // [N, E]
    this.blocks.forEach((block, i) => {
      h = block.forward(h, angles, segments);
      const merger = this.deepstack_merger_list[deepstack_visual_indexes.indexOf(i)];
      if (merger !== undefined) additions.push(merger.forward(h));
    });
    return { embeddings: this.merger.forward(h), additions };
  }

  /** The square table of positions, stretched bilinearly over the image: a row for each patch, `[N, E]`. */
  #positionRows(positions: MxArray, { rows, columns }: PatchGrid): MxArray {
    const side = Math.floor(this.#c.num_position_embeddings ** 0.5);
    const [row = positions, column = positions] = mx.split(positions, 2, 1); // [N, 1] each
    const [y, x] = [neighbours(row, rows, side), neighbours(column, columns, side)];
    const cell = (top: MxArray, left: MxArray, share: MxArray): MxArray =>
      this.pos_embed.forward(mx.squeeze(top.multiply(side).add(left), 1)).multiply(share); // [N, E]
    const [above, left] = [mx.subtract(1, y.share), mx.subtract(1, x.share)];
    return [
      cell(y.before, x.after, above.multiply(x.share)),
      cell(y.after, x.before, y.share.multiply(left)),
      cell(y.after, x.after, y.share.multiply(x.share)),
    ].reduce((sum, part) => add(sum, part), cell(y.before, x.before, above.multiply(left)));
  }
}
