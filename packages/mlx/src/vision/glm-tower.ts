/**
 * The vision tower of GLM 4.1V and GLM-OCR: blocks over patches as in Qwen's, then a convolution that makes a token of each
 * square. The first has learned positions, the second norms of each head instead.
 *
 * @see mlx-vlm 0.7.10 models/glm4v/vision.py, models/glm_ocr/vision.py
 */
import { GatedMLP } from "../blocks/gated-mlp.ts";
import * as mx from "../core/index.ts";
import { add, addmm, type MxArray, reshape } from "../core/index.ts";
import { Embedding, gelu, LayerNorm, Linear, Module, RMSNorm } from "../nn/index.ts";
import { GridAttention } from "./grid-attention.ts";
import { gridAngles, type PatchGrid, patchPositions } from "./patch-grid.ts";
import { GridBlock, PatchVolumes } from "./qwen-parts.ts";
import { resizeGrid } from "./resize-grid.ts";

/** What a GLM tower is made of. */
export interface GlmTowerConfig {
  readonly depth: number;
  readonly hidden_size: number;
  readonly num_heads: number;
  readonly in_channels: number;
  readonly patch_size: number;
  readonly temporal_patch_size: number;
  readonly spatial_merge_size: number;
  /** Of the language model. */
  readonly out_hidden_size: number;
  readonly rms_norm_eps: number;
  /** Whether the layers of blocks have biases. */
  readonly bias: boolean;
  readonly hasHeadNorms: boolean;
  /** Features between the layers of a block. */
  readonly blockWidth: number;
  /** Features between the last layers. */
  readonly mergerWidth: number;
  /** Side of the square table of positions; none by default. */
  readonly tableSide?: number;
}

const makeBlock = (c: GlmTowerConfig): GridBlock =>
  new GridBlock(
    new GridAttention(c.hidden_size, c.num_heads, c.bias, c.hasHeadNorms ? c.rms_norm_eps : undefined),
    new GatedMLP(c.hidden_size, c.blockWidth, { bias: c.bias }),
    () => new RMSNorm(c.hidden_size, c.rms_norm_eps),
  );

class Embeddings extends Module {
  position_embedding: Embedding;
  readonly #side: number;

  constructor(side: number, dims: number) {
    super();
    this.position_embedding = new Embedding(side * side, dims);
    this.#side = side;
  }

  /** Stretched over the image: a row for each patch, `[N, E]`. */
  forward(positions: MxArray, { rows, columns }: PatchGrid): MxArray {
    const table = reshape(this.position_embedding.updatedWeight, [this.#side, this.#side, -1]);
    const [row = positions, column = positions] = mx.split(positions, 2, 1); // [N, 1] each
    const places = mx.flatten(row.multiply(columns).add(column));
    const stretched = mx.flatten(resizeGrid(table, rows, columns, { by: "cubic" }), 0, 1);
    return mx.take(stretched, places, 0);
  }
}

/** A convolution of squares of patches that lie beside each other, as one product. Parameters: `weight [E', S, S, E]`. */
class Downsample extends Module {
  weight: MxArray;
  bias: MxArray;

  constructor({ hidden_size, out_hidden_size, spatial_merge_size: side }: GlmTowerConfig) {
    super();
    this.weight = mx.zeros([out_hidden_size, side, side, hidden_size]);
    this.bias = mx.zeros([out_hidden_size]);
  }

  /** `[N, E] -> [N / S ** 2, E']` */
  forward(x: MxArray): MxArray {
    const matrix = mx.transpose(mx.flatten(this.weight, 1)); // [S * S * E, E']
    return addmm(this.bias, reshape(x, [-1, matrix.dim(0)]), matrix);
  }
}

class Merger extends GatedMLP {
  proj: Linear;
  post_projection_norm: LayerNorm;

  constructor({ out_hidden_size, mergerWidth }: GlmTowerConfig) {
    super(out_hidden_size, mergerWidth);
    this.proj = new Linear(out_hidden_size, out_hidden_size, false);
    this.post_projection_norm = new LayerNorm(out_hidden_size);
  }

  override forward(x: MxArray): MxArray {
    return super.forward(gelu(this.post_projection_norm.forward(this.proj.forward(x))));
  }
}

/** See the head of this file. */
export class GlmTower extends Module {
  patch_embed: PatchVolumes;
  declare post_conv_layernorm?: RMSNorm;
  declare embeddings?: Embeddings;
  blocks: GridBlock[];
  post_layernorm: RMSNorm;
  downsample: Downsample;
  merger: Merger;
  readonly #headDim: number;

  constructor(c: GlmTowerConfig) {
    super();
    this.#headDim = c.hidden_size / c.num_heads;
    this.patch_embed = new PatchVolumes(c, true);
    if (c.tableSide !== undefined) {
      this.post_conv_layernorm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
      this.embeddings = new Embeddings(c.tableSide, c.hidden_size);
    }
    this.blocks = Array.from({ length: c.depth }, () => makeBlock(c));
    this.post_layernorm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
    this.downsample = new Downsample(c);
    this.merger = new Merger(c);
  }

  /** Patches `[N, C * T * P * P]` to a row per token. */
  forward(patches: MxArray, grid: PatchGrid): MxArray {
    const positions = patchPositions(grid);
    const angles = gridAngles(positions, this.#headDim);
    const segments = [{ count: grid.frames, size: grid.rows * grid.columns }];
    const embedded = this.#place(this.patch_embed.forward(patches), positions, grid); // [N, E]
    const seen = this.blocks.reduce((h, block) => block.forward(h, angles, segments), embedded);
    return this.merger.forward(this.downsample.forward(this.post_layernorm.forward(seen)));
  }

  #place(x: MxArray, positions: MxArray, grid: PatchGrid): MxArray {
    const { post_conv_layernorm: norm, embeddings } = this;
    return norm && embeddings ? add(norm.forward(x), embeddings.forward(positions, grid)) : x;
  }
}
