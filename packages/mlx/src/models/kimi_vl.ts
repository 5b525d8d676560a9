/**
 * Kimi with vision: MoonViT before DeepSeek 3's language model. As in training, the tower's GELU is by tanh, its norms have
 * an epsilon of 1e-5, and positions beyond its table are those at the edge; mlx-vlm has all three otherwise.
 *
 * @see mlx-lm 0.32.2 models/kimi_vl.py, mlx-vlm 0.7.10 models/kimi_vl
 */
import * as mx from "../core/index.ts";
import { type MxArray, reshape } from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  MoonVit,
  moonVitConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, object } from "./config.ts";
import { architecture as deepseek } from "./deepseek_v3.ts";
import type { LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object(moonVitConfig).required(),
  text_config: object({ hidden_size: int.required() }).required(),
  media_placeholder_token_id: int.default(163606),
  image_token_index: int.optional(),
};
type Config = Infer<typeof config>;

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
  vision_tower: MoonVit;
  multi_modal_projector: Projector;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index ?? c.media_placeholder_token_id);
    this.vision_tower = new MoonVit(c.vision_config);
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
