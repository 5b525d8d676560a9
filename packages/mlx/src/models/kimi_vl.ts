/** Kimi-VL: MoonViT over patches of pictures of any size, DeepSeek 3 as language model. @see mlx-lm 0.32.2 models/kimi_vl.py, mlx-vlm 0.7.10 models/kimi_vl */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  MoonViT,
  patchSquares,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, list, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitMoonViT } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { kimiText } from "./wrap-kimi.ts";

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
    const { depth, num_heads, ...tower } = c.vision_config;
    this.vision_tower = new MoonViT({
      ...tower,
      depth: depth ?? tower.num_hidden_layers,
      num_heads: num_heads ?? tower.num_attention_heads,
    });
    this.multi_modal_projector = new Projector(c.vision_config, c.text_config.hidden_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const sizes = [...imageArray(arrays, "image_grid_hws").toTypedArray()].map(Number);
    const [rows = 0, columns = 0] = sizes;
    const patches = this.vision_tower.forward(imageArray(arrays, "pixel_values"), rows, columns);
    return { embeddings: this.multi_modal_projector.forward(patches, rows, columns) };
  }
}

export const architecture = withVision(kimiText, {
  config,
  weights: /^(vision_tower|multi_modal_projector)\./,
  create: (c, language_model) => new KimiVL(c, language_model),
  sanitize: fitMoonViT,
});
