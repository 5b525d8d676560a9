/**
 * Kimi with vision: a tower for images of any size before DeepSeek 3's language model. Positions beyond the edge of the
 * tower's table are those at it, as in training; mlx-vlm leaves them out.
 *
 * @see mlx-lm 0.32.2 models/kimi_vl.py, mlx-vlm 0.7.10 models/kimi_vl
 */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import * as mx from "../core/index.ts";
import { add, type MxArray, reshape } from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module, turnPairs } from "../nn/index.ts";
import {
  gridAngles,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  PatchEmbedding,
  patchPositions,
  stretchedTable,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, list, object, oneOf } from "./config.ts";
import { architecture as deepseek } from "./deepseek_v3.ts";
import type { LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object({
    hidden_size: int.default(1152),
    embed_dim: int.optional(), // the same in converted checkpoints
    num_hidden_layers: int.default(27),
    depth: int.optional(), // the same in converted checkpoints
    num_attention_heads: int.default(16),
    num_heads: int.optional(), // the same in converted checkpoints
    intermediate_size: int.default(4304),
    num_channels: int.default(3),
    patch_size: int.default(14),
    spatial_patch_size: int.optional(),
    init_pos_emb_height: int.default(64),
    init_pos_emb_width: int.default(64),
    /** Rows and columns of patches that become one token. */
    merge_kernel_size: list(int.required()).default([2, 2]),
    spatial_merge_size: int.optional(),
    temporal_patch_size: int.optional(), // of videos
    hidden_act: oneOf("gelu").optional(),
  }).required(),
  text_config: object({ hidden_size: int.required() }).required(),
  media_placeholder_token_id: int.default(163606),
  image_token_index: int.optional(),
};
type Config = Infer<typeof config>;
type TowerConfig = Config["vision_config"];

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
    return this.fc1.forward(gelu(this.fc0.forward(x)));
  }
}

class Block extends Module {
  norm0: LayerNorm;
  norm1: LayerNorm;
  attn: Attention;
  mlp: MLP;

  constructor(c: TowerConfig) {
    super();
    this.norm0 = new LayerNorm(c.hidden_size, { eps: 1e-6 });
    this.norm1 = new LayerNorm(c.hidden_size, { eps: 1e-6 });
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

  constructor(c: TowerConfig) {
    super();
    this.weight = mx.zeros([c.init_pos_emb_height, c.init_pos_emb_width, c.hidden_size]);
  }
}

class Patches extends Module {
  proj: PatchEmbedding;
  pos_emb: Positions;

  constructor(c: TowerConfig) {
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

class Tower extends Module {
  patch_embed: Patches;
  blocks: Block[];
  final_layernorm: LayerNorm;
  readonly #headDim: number;

  constructor(c: TowerConfig) {
    super();
    this.#headDim = c.hidden_size / (c.num_heads ?? c.num_attention_heads);
    this.patch_embed = new Patches(c);
    this.blocks = Array.from({ length: c.depth ?? c.num_hidden_layers }, () => new Block(c));
    this.final_layernorm = new LayerNorm(c.hidden_size, { eps: 1e-6 });
  }

  /** `[N, C, P, P] -> [1, N, E]` */
  forward(pixels: MxArray, rows: number, columns: number): MxArray {
    const angles = anglesOf(rows, columns, this.#headDim);
    const embedded = this.patch_embed.forward(pixels, rows, columns);
    return this.final_layernorm.forward(this.blocks.reduce((h, block) => block.forward(h, angles), embedded));
  }
}

class Projector extends Module {
  pre_norm: LayerNorm;
  linear_1: Linear;
  linear_2: Linear;
  readonly #merge: readonly number[];

  constructor({ vision_config: { hidden_size, merge_kernel_size }, text_config }: Config) {
    super();
    const width = merge_kernel_size.reduce((product, side) => product * side, hidden_size);
    this.pre_norm = new LayerNorm(hidden_size, { eps: 1e-5 });
    this.linear_1 = new Linear(width, width);
    this.linear_2 = new Linear(width, text_config.hidden_size);
    this.#merge = merge_kernel_size;
  }

  /** `[1, N, E]` to a row for each square of patches. */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const [down = 1, across = 1] = this.#merge;
    const squares = reshape(this.pre_norm.forward(x), [
      rows / down,
      down,
      columns / across,
      across,
      x.dim(-1),
    ]);
    const merged = mx.flatten(mx.transpose(squares, [0, 2, 1, 3, 4]), 2); // [rows / down, columns / across, E']
    return this.linear_2.forward(gelu(this.linear_1.forward(mx.flatten(merged, 0, 1))));
  }
}

class KimiVL extends VisionLanguageModel {
  vision_tower: Tower;
  multi_modal_projector: Projector;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index ?? c.media_placeholder_token_id);
    this.vision_tower = new Tower(c.vision_config);
    this.multi_modal_projector = new Projector(c);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const [rows = 0, columns = 0] = [...imageArray(arrays, "image_grid_hws").toTypedArray()].map(Number);
    const patches = this.vision_tower.forward(imageArray(arrays, "pixel_values"), rows, columns);
    return { embeddings: this.multi_modal_projector.forward(patches, rows, columns) };
  }
}

/** The language model of Kimi with vision. */
export const text = wrapText(deepseek, /^(vision_tower|vision_model|multi_modal_projector|mm_projector)\./);

export const architecture = withVision(text, {
  config,
  weights: /^(vision_tower|multi_modal_projector)\./,
  create: (c, language_model) => new KimiVL(c, language_model),
  sanitize: [
    ...fitTower,
    rename(/^vision_tower\.encoder\./, "vision_tower."),
    rename(/(?<=^vision_tower\.blocks\.\d+\.)(?=(wqkv|wo)\.)/, "attn."),
  ],
});
