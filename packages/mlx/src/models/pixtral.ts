/** Mistral with vision. @see mlx-lm 0.32.2 models/pixtral.py, mlx-vlm 0.7.10 models/pixtral */
import { squeeze } from "../core/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  PixtralTower,
  pixtralTowerConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, number, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { architecture as llama } from "./llama.ts";
import { LlavaProjector } from "./llava-projector.ts";
import { fitPixtralTower, PIXTRAL_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object(pixtralTowerConfig).required(),
  text_config: object({ hidden_size: int.default(5120) }).required(),
  image_token_id: int.optional(),
  image_token_index: int.default(10),
  /** Whose output is taken, counted from the end where negative. */
  vision_feature_layer: number.default(-1),
  projector_hidden_act: oneOf("gelu").default("gelu"),
};
type Config = Infer<typeof config>;

class Pixtral extends VisionLanguageModel {
  vision_tower: PixtralTower;
  multi_modal_projector: LlavaProjector;
  readonly #layer: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id ?? c.image_token_index);
    this.#layer = c.vision_feature_layer;
    this.vision_tower = new PixtralTower(c.vision_config);
    this.multi_modal_projector = new LlavaProjector(c.vision_config.hidden_size, c.text_config.hidden_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const pixels = imageTiles(arrays);
    const patches = this.vision_tower.hiddenStates(pixels).at(this.#layer) ?? pixels; // [1, N, E]
    return { embeddings: squeeze(this.multi_modal_projector.forward(patches), 0) };
  }
}

const text = wrapText(llama, /^(vision_tower|multi_modal_projector)\./, (textConfig) => ({
  num_attention_heads: 32,
  ...textConfig,
  tie_word_embeddings: false,
}));

export const architecture = withVision(text, {
  config,
  weights: PIXTRAL_TOWER,
  create: (c, language_model) => new Pixtral(c, language_model),
  sanitize: fitPixtralTower,
});
