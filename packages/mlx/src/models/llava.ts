/** LLaVA 1.5: CLIP's or SigLIP's patches through two layers into a language model. @see mlx-vlm 0.7.10 models/llava */
import { concatenate, flatten, index, type MxArray } from "../core/index.ts";
import {
  CLIP,
  ClipTower,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  SIGLIP,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, number, object, oneOf, oneOrList, parseConfig, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { LlavaProjector } from "./llava-projector.ts";
import { architecture as pixtral } from "./pixtral.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapByType } from "./wrap-by-type.ts";

/** Keys of `vision_config`. */
export const llavaTower = {
  ...clipTowerConfig,
  model_type: oneOf("clip_vision_model", "siglip_vision_model").default("clip_vision_model"),
};
/** What the configs of LLaVA's models say. */
export const llavaConfig = {
  vision_config: object(llavaTower).required(),
  text_config: object({ hidden_size: int.default(4096) }).required(),
  image_token_index: int.default(32000),
  /** Whose output is taken, counted from the end where negative; of several, side by side. */
  vision_feature_layer: oneOrList(number.required()).default(-2),
  /** `default` leaves CLIP's class token out. */
  vision_feature_select_strategy: oneOf("default", "full").default("default"),
  projector_hidden_act: oneOf("gelu").default("gelu"),
};
export type LlavaConfig = Infer<typeof llavaConfig>;

/** LLaVA of one tile; of those of several, the parts. */
export class Llava extends VisionLanguageModel {
  vision_tower: ClipTower;
  multi_modal_projector: LlavaProjector;
  readonly #layers: readonly number[];
  readonly #leavesFirstOut: boolean;

  constructor(c: LlavaConfig, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    const { vision_config, text_config, vision_feature_layer } = c;
    const isClip = vision_config.model_type === "clip_vision_model";
    this.#layers = [vision_feature_layer].flat();
    this.#leavesFirstOut = c.vision_feature_select_strategy === "default";
    this.vision_tower = new ClipTower(vision_config, isClip ? CLIP : SIGLIP);
    this.multi_modal_projector = new LlavaProjector(
      vision_config.hidden_size * this.#layers.length,
      text_config.hidden_size,
    );
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    return { embeddings: flatten(this.embedTiles(arrays), 0, 1) }; // [N, E]
  }

  /** `[tiles, N, E]` */
  protected embedTiles(arrays: ImageArrays): MxArray {
    const states = this.vision_tower.hiddenStates(imageTiles(arrays)); // [tiles, N, E] each
    const chosen = concatenate(
      this.#layers.flatMap((layer) => states.at(layer) ?? []),
      -1,
    );
    const patches = this.#leavesFirstOut ? index(chosen, [], [1]) : chosen;
    return this.multi_modal_projector.forward(patches);
  }
}

/** Vicuna, whose sizes configs leave out. */
export const VICUNA = {
  hidden_size: 4096,
  num_hidden_layers: 32,
  intermediate_size: 11008,
  num_attention_heads: 32,
  rms_norm_eps: 1e-6,
  vocab_size: 32000,
};

const llava = withVision(wrapByType(VICUNA), {
  config: llavaConfig,
  weights: /^(model\.)?(vision_tower|multi_modal_projector)\./,
  create: (c, language_model) => new Llava(c, language_model),
  sanitize: fitTower,
});

/** Some of Pixtral's checkpoints go by this name. */
const isPixtral = ({ vision_config }: Readonly<Record<string, unknown>>): boolean =>
  parseConfig({ model_type: string.optional() }, Object(vision_config)).config.model_type === "pixtral";

export const architecture: Architecture = {
  bind: (raw) => (isPixtral(raw) ? pixtral : llava).bind(raw),
};
