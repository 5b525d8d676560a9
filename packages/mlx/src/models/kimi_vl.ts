/**
 * Kimi-VL: MoonViT over patches of pictures of any size, DeepSeek 3 as language model. Positions between those of the
 * table are as torch has them; mlx-vlm's differ along the edges.
 *
 * @see mlx-lm 0.32.2 models/kimi_vl.py, mlx-vlm 0.7.10 models/kimi_vl
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module, turnPairs } from "../nn/index.ts";
import {
  gridAngles,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  PatchEmbedding,
  patchPositions,
  patchSquares,
  resizeGrid,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, list, object, oneOf } from "./config.ts";
import { architecture as text } from "./kimi_k25.ts";
import type { LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";

const tower = {
  hidden_size: int.default(1152),
  num_hidden_layers: int.default(27),
  intermediate_size: int.default(4304),
  num_attention_heads: int.default(16),
  // what mlx-vlm calls these
  embed_dim: int.optional(), // as hidden_size
  depth: int.optional(),
  num_heads: int.optional(),
  num_channels: int.default(3),
  patch_size: int.default(14),
  /** Rows and columns of the table of positions. */
  init_pos_emb_height: int.default(64),
  init_pos_emb_width: int.default(64),
  /** Rows and columns of patches that become one token: a square. */
  merge_kernel_size: list(int.required()).default([2, 2]),
  model_type: oneOf("moonvit").optional(),
};

const config = {
  vision_config: object(tower).required(),
  text_config: object({ hidden_size: int.default(4096) }).required(),
  media_placeholder_token_id: int.default(163606),
  image_token_index: int.optional(),
};
type Config = Infer<typeof config>;
type Tower = Infer<typeof tower>;

const NORM = { eps: 1e-6 };

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
    return this.fc1.forward(gelu(this.fc0.forward(x)));
  }
}

class Block extends Module {
  norm0: LayerNorm;
  norm1: LayerNorm;
  attn: Attention;
  mlp: MLP;

  constructor(c: Tower) {
    super();
    this.norm0 = new LayerNorm(c.hidden_size, NORM);
    this.norm1 = new LayerNorm(c.hidden_size, NORM);
    this.attn = new Attention(c.hidden_size, c.num_heads ?? c.num_attention_heads);
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

  constructor(c: Tower) {
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

  constructor(c: Tower) {
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

class MoonViT extends Module {
  patch_embed: Patches;
  blocks: Block[];
  final_layernorm: LayerNorm;
  readonly #headDim: number;

  constructor(c: Tower) {
    super();
    this.patch_embed = new Patches(c);
    this.blocks = Array.from({ length: c.depth ?? c.num_hidden_layers }, () => new Block(c));
    this.final_layernorm = new LayerNorm(c.hidden_size, NORM);
    this.#headDim = Math.floor(c.hidden_size / (c.num_heads ?? c.num_attention_heads));
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

/** Patches, normed and side by side in squares, through two layers. */
class Projector extends Module {
  pre_norm: LayerNorm;
  linear_1: Linear;
  linear_2: Linear;
  readonly #merge: number;

  constructor({ hidden_size, merge_kernel_size: [merge = 2] }: Tower, outputs: number) {
    super();
    const width = hidden_size * merge * merge;
    this.pre_norm = new LayerNorm(hidden_size);
    this.linear_1 = new Linear(width, width);
    this.linear_2 = new Linear(width, outputs);
    this.#merge = merge;
  }

  /** `[1, rows * columns, E] -> [N, E']` */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const squares = patchSquares(this.pre_norm.forward(x), rows, columns, this.#merge); // [1, N, width]
    return mx.flatten(this.linear_2.forward(gelu(this.linear_1.forward(squares))), 0, 1);
  }
}

class KimiVL extends VisionLanguageModel {
  vision_tower: MoonViT;
  multi_modal_projector: Projector;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index ?? c.media_placeholder_token_id);
    this.vision_tower = new MoonViT(c.vision_config);
    this.multi_modal_projector = new Projector(c.vision_config, c.text_config.hidden_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const sizes = [...imageArray(arrays, "image_grid_hws").toTypedArray()].map(Number);
    const [rows = 0, columns = 0] = sizes;
    const patches = this.vision_tower.forward(imageArray(arrays, "pixel_values"), rows, columns);
    return { embeddings: this.multi_modal_projector.forward(patches, rows, columns) };
  }
}

export const architecture = withVision(text, {
  config,
  weights: /^(vision_tower|multi_modal_projector)\./,
  create: (c, language_model) => new KimiVL(c, language_model),
  sanitize: [
    ...fitTower,
    rename(/^vision_tower\.encoder\./, "vision_tower."),
    rename(/(?<=^vision_tower\.blocks\.\d+\.)(?=w(qkv|o)\.)/, "attn."),
  ],
});
