/** Gemma 4 with its vision tower; without what it hears with. @see mlx-lm 0.32.2 models/gemma4.py, mlx-vlm 0.7.10 models/gemma4 */
import {
  Gemma4Tower,
  gemma4TowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
} from "../vision/index.ts";
import { type Infer, object } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { gemma4Config, gemma4Text, SeeingGemma4 } from "./seeing-gemma4.ts";
import { withVision } from "./with-vision.ts";

const config = { ...gemma4Config, vision_config: object(gemma4TowerConfig).required() };
type Config = Infer<typeof config>;

class Gemma4 extends SeeingGemma4 {
  vision_tower: Gemma4Tower;

  constructor({ vision_config, ...c }: Config, language_model: LanguageModel) {
    super(c, language_model, { dims: vision_config.hidden_size, eps: vision_config.rms_norm_eps });
    this.vision_tower = new Gemma4Tower(vision_config);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    return { embeddings: this.embedFeatures(this.vision_tower.forward(imageTiles(arrays))) };
  }
}

export const architecture = withVision(gemma4Text, {
  config,
  weights: /^(model\.)?(vision_tower|embed_vision)\./,
  create: (c, language_model) => new Gemma4(c, language_model),
  sanitize: [
    rename(/^model\./, ""),
    drop(/rotary_emb/),
    drop(/^vision_tower\..*\.(in|out)put_(min|max)$/, (c: Config) => !c.vision_config.use_clipped_linears),
    drop(/^embed_vision\..*\.(in|out)put_(min|max)$/),
  ],
});
