/** Mistral with Pixtral's tower, squares of whose patches merge. @see mlx-lm 0.32.2 models/mistral3.py, mlx-vlm 0.7.10 models/mistral3 */
import { type MxArray, reshape, squeeze, transpose } from "../core/index.ts";
import { gelu, Linear, Module, RMSNorm } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  PixtralTower,
  pixtralTowerConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { bool, type Infer, int, number, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitPixtralTower, PIXTRAL_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapByType } from "./wrap-by-type.ts";

const config = {
  vision_config: object(pixtralTowerConfig).required(),
  text_config: object({ hidden_size: int.required(), rms_norm_eps: number.default(1e-5) }).required(),
  image_token_id: int.optional(),
  image_token_index: int.default(10),
  spatial_merge_size: int.default(2),
  /** Whose output is taken, counted from the end where negative. */
  vision_feature_layer: number.default(-1),
  multimodal_projector_bias: bool.default(false),
  projector_hidden_act: oneOf("gelu").default("gelu"),
};
type Config = Infer<typeof config>;

/** Squares of patches, feature by feature, through one layer. */
class PatchMerger extends Module {
  merging_layer: Linear;
  readonly #merge: number;

  constructor({ vision_config: { hidden_size: E }, spatial_merge_size }: Config) {
    super();
    this.#merge = spatial_merge_size;
    this.merging_layer = new Linear(E * spatial_merge_size ** 2, E, false);
  }

  /** `[rows * columns, E] -> [rows * columns / merge ** 2, E]` */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const m = this.#merge;
    const squares = reshape(x, [rows / m, m, columns / m, m, -1]);
    const byFeature = transpose(squares, [0, 2, 4, 1, 3]); // [rows / m, columns / m, E, m, m]
    return this.merging_layer.forward(reshape(byFeature, [(rows * columns) / m ** 2, -1]));
  }
}

class Projector extends Module {
  norm: RMSNorm;
  patch_merger: PatchMerger;
  linear_1: Linear;
  linear_2: Linear;

  constructor(c: Config) {
    super();
    const { hidden_size: inputs } = c.vision_config;
    const { hidden_size: outputs, rms_norm_eps } = c.text_config;
    this.norm = new RMSNorm(inputs, rms_norm_eps);
    this.patch_merger = new PatchMerger(c);
    this.linear_1 = new Linear(inputs, outputs, c.multimodal_projector_bias);
    this.linear_2 = new Linear(outputs, outputs, c.multimodal_projector_bias);
  }

  forward(x: MxArray, rows: number, columns: number): MxArray {
    const merged = this.patch_merger.forward(this.norm.forward(x), rows, columns);
    return this.linear_2.forward(gelu(this.linear_1.forward(merged)));
  }
}

class Mistral3 extends VisionLanguageModel {
  vision_tower: PixtralTower;
  multi_modal_projector: Projector;
  readonly #layer: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id ?? c.image_token_index);
    this.#layer = c.vision_feature_layer;
    this.vision_tower = new PixtralTower(c.vision_config);
    this.multi_modal_projector = new Projector(c);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const pixels = imageTiles(arrays);
    const patches = this.vision_tower.hiddenStates(pixels).at(this.#layer) ?? pixels; // [1, N, E]
    const [rows, columns] = this.vision_tower.gridOf(pixels);
    return { embeddings: this.multi_modal_projector.forward(squeeze(patches, 0), rows, columns) };
  }
}

export const architecture = withVision(wrapByType(), {
  config,
  weights: PIXTRAL_TOWER,
  create: (c, language_model) => new Mistral3(c, language_model),
  sanitize: fitPixtralTower,
});
