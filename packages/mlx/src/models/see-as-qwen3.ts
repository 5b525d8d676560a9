import {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  patchGrid,
  Qwen3Tower,
  qwen3TowerConfig,
  tokenGrid,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, object } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitQwenTower, QWEN_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";

const schema = (imageTokenId: number) => ({
  vision_config: object(qwen3TowerConfig).required(),
  image_token_id: int.default(imageTokenId),
});
type Config = Infer<ReturnType<typeof schema>>;

class SeeingQwen3 extends VisionLanguageModel {
  vision_tower: Qwen3Tower;
  readonly #merge: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id);
    this.vision_tower = new Qwen3Tower(c.vision_config);
    this.#merge = c.vision_config.spatial_merge_size;
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const grid = patchGrid(arrays, this.#merge);
    const features = this.vision_tower.forward(imageArray(arrays, "pixel_values"), grid);
    return { ...features, grid: tokenGrid(grid) };
  }
}

/**
 * A language model with the vision tower of Qwen 3.
 *
 * @param imageTokenId - where a config does not say it
 */
export const seeAsQwen3 = (text: Architecture, imageTokenId: number): Architecture =>
  withVision(text, {
    config: schema(imageTokenId),
    weights: QWEN_TOWER,
    create: (c, language_model) => new SeeingQwen3(c, language_model),
    sanitize: fitQwenTower,
  });
