/** Kimi K2.5: MoonViT, of single pictures, and DeepSeek 3. @see mlx-lm 0.32.2 models/kimi_k25.py, mlx-vlm 0.7.10 models/kimi_k25 */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { LayerNorm, Linear, Module } from "../nn/index.ts";
import {
  GeluLayer,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  MoonViT,
  patchSquares,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, list, number, object, oneOf, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitMoonViT } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { kimiText } from "./wrap-kimi.ts";

const tower = {
  vt_hidden_size: int.default(1152),
  vt_num_hidden_layers: int.default(27),
  vt_num_attention_heads: int.default(16),
  vt_intermediate_size: int.default(4304),
  patch_size: int.default(14),
  /** Rows and columns of the table of positions. */
  init_pos_emb_height: int.default(64),
  init_pos_emb_width: int.default(64),
  /** Rows and columns of patches that become one token: a square. */
  merge_kernel_size: list(int.required()).default([2, 2]),
  mm_projector_type: oneOf("patchmerger").optional(),
  projector_hidden_act: oneOf("gelu").optional(),
  projector_ln_eps: number.default(1e-5),
  // what the sizes above say as well, and films
  init_pos_emb_time: int.optional(),
  merge_type: oneOf("sd2_tpool").optional(),
  mm_hidden_size: int.optional(),
  pos_emb_type: oneOf("divided_fixed").optional(),
  text_hidden_size: int.optional(),
  video_attn_type: string.optional(),
};
const config = {
  vision_config: object(tower).required(),
  text_config: object({ hidden_size: int.default(4096) }).required(),
  media_placeholder_token_id: int.default(163606),
};
type Config = Infer<typeof config>;

/** Patches, normed and side by side in squares, through two layers. */
class Projector extends Module {
  pre_norm: LayerNorm;
  proj: [Linear, GeluLayer, Linear];
  readonly #merge: number;

  constructor({ vision_config: c, text_config }: Config) {
    super();
    const [merge = 2] = c.merge_kernel_size;
    const width = c.vt_hidden_size * merge * merge;
    this.pre_norm = new LayerNorm(c.vt_hidden_size, { eps: c.projector_ln_eps });
    this.proj = [new Linear(width, width), new GeluLayer(), new Linear(width, text_config.hidden_size)];
    this.#merge = merge;
  }

  /** `[1, rows * columns, E] -> [N, E']` */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const squares = patchSquares(this.pre_norm.forward(x), rows, columns, this.#merge); // [1, N, width]
    return this.proj.reduce((h, layer) => layer.forward(h), mx.flatten(squares, 0, 1));
  }
}

class KimiK25 extends VisionLanguageModel {
  vision_tower: MoonViT;
  mm_projector: Projector;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.media_placeholder_token_id);
    const v = c.vision_config;
    this.vision_tower = new MoonViT({
      ...v,
      hidden_size: v.vt_hidden_size,
      depth: v.vt_num_hidden_layers,
      num_heads: v.vt_num_attention_heads,
      intermediate_size: v.vt_intermediate_size,
      num_channels: 3,
    });
    this.mm_projector = new Projector(c);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const sizes = [...imageArray(arrays, "image_grid_hws").toTypedArray()].map(Number);
    const [rows = 0, columns = 0] = sizes;
    const patches = this.vision_tower.forward(imageArray(arrays, "pixel_values"), rows, columns);
    return { embeddings: this.mm_projector.forward(patches, rows, columns) };
  }
}

export const architecture = withVision(kimiText, {
  config,
  weights: /^(vision_tower|mm_projector)\./,
  create: (c, language_model) => new KimiK25(c, language_model),
  sanitize: fitMoonViT,
});
