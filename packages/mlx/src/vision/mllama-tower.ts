/**
 * The tower of Llama 3.2 Vision: the tiles of a canvas see each other, through plain blocks and then gated ones. What
 * enters some of the plain blocks goes to the language model as well, as in training; mlx-vlm takes what leaves them.
 *
 * @see mlx-vlm 0.7.10 models/mllama/vision.py
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { type Infer, int, list, number, oneOf, string } from "../models/config.ts";
import { Embedding, LayerNorm, Linear, Module } from "../nn/index.ts";
import { PatchEmbedding } from "./patch-embedding.ts";
import { type ImageArrays, imageArray, imageTiles } from "./vision-language-model.ts";
import { towerActivations, VisionMLP } from "./vision-mlp.ts";

const ALIGNMENT = 8; // tiles are filled up to a multiple of as many patches, which others do see

/** Keys of `vision_config`. */
export const mllamaTowerConfig = {
  hidden_size: int.default(1280),
  intermediate_size: int.default(5120),
  num_hidden_layers: int.default(32),
  num_global_layers: int.default(8),
  attention_heads: int.optional(),
  num_attention_heads: int.default(16),
  image_size: int.default(560),
  patch_size: int.default(14),
  num_channels: int.default(3),
  norm_eps: number.default(1e-5),
  hidden_act: oneOf(...towerActivations).default("gelu"),
  /** Tiles of a canvas. */
  max_num_tiles: int.default(4),
  /** Kinds of canvas, which is what `supported_aspect_ratios` lists. */
  max_aspect_ratio_id: int.optional(),
  supported_aspect_ratios: list(list(int.required()).required()).optional(),
  intermediate_layers_indices: list(int.required()).default([3, 7, 15, 23, 30]),
  vision_output_dim: int.default(7680),
  model_type: string.optional(),
};
type Config = Infer<typeof mllamaTowerConfig>;

const gated = (x: MxArray, gate: MxArray | undefined): MxArray =>
  gate === undefined ? x : mx.multiply(mx.tanh(gate), x);

class Attention extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  readonly #H: number;

  constructor(dims: number, heads: number) {
    super();
    this.q_proj = new Linear(dims, dims, false);
    this.k_proj = new Linear(dims, dims, false);
    this.v_proj = new Linear(dims, dims, false);
    this.o_proj = new Linear(dims, dims, false);
    this.#H = heads;
  }

  forward(x: MxArray, mask: MxArray): MxArray {
    const [B = 1, N = 1, E = 1] = x.shape;
    const heads = (layer: Linear) => splitHeads(layer.forward(x), B, N, this.#H); // [B, H, N, D]
    const [q, k, v] = [heads(this.q_proj), heads(this.k_proj), heads(this.v_proj)];
    const scale = (E / this.#H) ** -0.5;
    return this.o_proj.forward(mergeHeads(attention(q, k, v, { scale, mask }), B, N));
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: VisionMLP;
  input_layernorm: LayerNorm;
  post_attention_layernorm: LayerNorm;
  declare gate_attn?: MxArray;
  declare gate_ffn?: MxArray;

  constructor(c: Config, isGated: boolean) {
    super();
    this.self_attn = new Attention(c.hidden_size, c.attention_heads ?? c.num_attention_heads);
    this.mlp = new VisionMLP(c.hidden_size, c.intermediate_size, c.hidden_act);
    this.input_layernorm = new LayerNorm(c.hidden_size, { eps: c.norm_eps });
    this.post_attention_layernorm = new LayerNorm(c.hidden_size, { eps: c.norm_eps });
    if (!isGated) return;
    this.gate_attn = mx.zeros([1]);
    this.gate_ffn = mx.zeros([1]);
  }

  forward(x: MxArray, mask: MxArray): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask); // [B, N, E]
    const h = mx.add(x, gated(attended, this.gate_attn));
    return mx.add(h, gated(this.mlp.forward(this.post_attention_layernorm.forward(h)), this.gate_ffn));
  }
}

class Blocks extends Module {
  layers: Block[];

  constructor(c: Config, count: number, isGated: boolean) {
    super();
    this.layers = Array.from({ length: count }, () => new Block(c, isGated));
  }
}

/** A row for each tile, by the kind of canvas. */
class TileEmbedding extends Module {
  embedding: Embedding;
  gate: MxArray;
  readonly #tiles: number;

  constructor(kinds: number, tiles: number, dims: number) {
    super();
    this.embedding = new Embedding(kinds + 1, tiles * dims); // 0 is no canvas
    this.gate = mx.zeros([1]);
    this.#tiles = tiles;
  }

  /** `[tiles, N, E]`, by the kind `[1]` */
  forward(x: MxArray, kind: MxArray): MxArray {
    const rows = mx.reshape(this.embedding.forward(kind), [this.#tiles, 1, -1]);
    return mx.add(x, gated(rows, this.gate));
  }
}

/** Positions of patches in a tile and in a canvas, of which the gate takes more or less. */
class PositionEmbedding extends Module {
  embedding: MxArray; // [P, E]
  tile_embedding: Embedding;
  gate: MxArray;

  constructor(kinds: number, tiles: number, patches: number, dims: number) {
    super();
    this.embedding = mx.zeros([patches, dims]);
    this.tile_embedding = new Embedding(kinds + 1, tiles * patches * dims);
    this.gate = mx.zeros([1]);
  }

  /** `[tiles, P, E]`, by the kind `[1]` */
  forward(x: MxArray, kind: MxArray): MxArray {
    const inTile = mx.multiply(mx.subtract(1, mx.tanh(this.gate)), this.embedding);
    const inCanvas = mx.reshape(this.tile_embedding.forward(kind), x.shape);
    return mx.add(mx.add(x, inTile), gated(inCanvas, this.gate));
  }
}

/** Llama 3.2 Vision's tower: patches of tiles, first each tile by itself, then all of an image together. */
export class MllamaTower extends Module {
  patch_embedding: PatchEmbedding;
  class_embedding: MxArray;
  gated_positional_embedding: PositionEmbedding;
  pre_tile_positional_embedding: TileEmbedding;
  post_tile_positional_embedding: TileEmbedding;
  layernorm_pre: LayerNorm;
  layernorm_post: LayerNorm;
  transformer: Blocks;
  global_transformer: Blocks;
  readonly #taken: readonly number[];

  constructor(c: Config) {
    super();
    const [E, tiles] = [c.hidden_size, c.max_num_tiles];
    const kinds = c.max_aspect_ratio_id ?? c.supported_aspect_ratios?.length ?? 8;
    const patches = Math.floor(c.image_size / c.patch_size) ** 2 + 1;
    this.patch_embedding = new PatchEmbedding(c.num_channels, E, c.patch_size, false);
    this.class_embedding = mx.zeros([E]);
    this.gated_positional_embedding = new PositionEmbedding(kinds, tiles, patches, E);
    this.pre_tile_positional_embedding = new TileEmbedding(kinds, tiles, E);
    this.post_tile_positional_embedding = new TileEmbedding(kinds, tiles, E);
    this.layernorm_pre = new LayerNorm(E, { eps: c.norm_eps });
    this.layernorm_post = new LayerNorm(E, { eps: c.norm_eps });
    this.transformer = new Blocks(c, c.num_hidden_layers, false);
    this.global_transformer = new Blocks(c, c.num_global_layers, true);
    this.#taken = c.intermediate_layers_indices;
    const wrong = this.#taken.find((layer) => layer >= c.num_hidden_layers);
    if (wrong !== undefined) {
      throw new ConfigError(`config.json: intermediate_layers_indices names layer ${wrong}, which is none`);
    }
  }

  /** Features of all patches of the tiles that hold something, tile by tile, `[N, vision_output_dim]`. */
  forward(arrays: ImageArrays): MxArray {
    const kind = imageArray(arrays, "aspect_ratio_ids"); // [1]
    const shown = imageArray(arrays, "aspect_ratio_mask"); // [tiles]
    const x = this.#embed(imageTiles(arrays), kind); // [tiles, P, E]
    const [tiles = 1, P = 1, E = 1] = x.shape;
    const room = (ALIGNMENT - (P % ALIGNMENT)) % ALIGNMENT;
    const filled = mx.pad(x, [1], [0], [room]); // [tiles, P', E]
    const mask = pairMask(shown, P, P + room);
    let h = mx.reshape(filled, [1, -1, E]);
    const entered = this.transformer.layers.map((block) => {
      const before = h;
      h = block.forward(h, mask);
      return before;
    });
    const local = mx.reshape(this.layernorm_post.forward(h), filled.shape);
    h = mx.reshape(this.post_tile_positional_embedding.forward(local, kind), [1, -1, E]);
    for (const block of this.global_transformer.layers) h = block.forward(h, mask);
    const taken = mx.stack(
      this.#taken.flatMap((layer) => entered[layer] ?? []),
      -1,
    ); // [1, tiles * P', E, taken]
    const all = mx.concatenate([h, mx.reshape(taken, [1, tiles * (P + room), -1])], -1);
    const count = Number(mx.sum(shown).item());
    const width = all.dim(-1);
    const seen = mx.slice(mx.reshape(all, [tiles, P + room, width]), [0, 0, 0], [count, P, width]);
    return mx.reshape(seen, [count * P, width]);
  }

  /** Pixels `[tiles, C, H, W]` to `[tiles, P, E]`: a class token, then the patches. */
  #embed(pixels: MxArray, kind: MxArray): MxArray {
    const patches = this.pre_tile_positional_embedding.forward(this.patch_embedding.forward(pixels), kind);
    const [tiles = 1, , E = 1] = patches.shape;
    const first = mx.broadcastTo(this.class_embedding, [tiles, 1, E]);
    const x = mx.concatenate([first, patches], 1);
    return this.layernorm_pre.forward(this.gated_positional_embedding.forward(x, kind));
  }
}

/** Bool `[tiles * length, tiles * length]`: hidden is only what fills up from what fills up. */
const pairMask = (shown: MxArray, patches: number, length: number): MxArray => {
  const isPatch = mx.less(mx.arange(0, length), patches);
  const isTile = mx.greater(mx.expandDims(shown, 1), 0); // [tiles, 1]
  const holds = mx.flatten(mx.logicalAnd(isTile, isPatch));
  return mx.logicalOr(mx.expandDims(holds, 1), holds);
};
