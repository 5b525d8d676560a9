/**
 * PaliGemma and PaliGemma 2: SigLIP's patches through one layer into Gemma or Gemma 2, whose prompt sees itself whole.
 * The tower's last norm takes `layer_norm_eps`, as in transformers; mlx-vlm has 1e-5 there whatever a config says.
 *
 * @see mlx-vlm 0.7.10 models/paligemma
 */
import { flatten, type MxArray } from "../core/index.ts";
import { geluApprox, Linear, Module } from "../nn/index.ts";
import {
  ClipTower,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  SIGLIP,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { bool, type Infer, int, number, object, oneOf, parseConfig } from "./config.ts";
import { gemmaWith } from "./gemma.ts";
import { architecture as gemma2 } from "./gemma2.ts";
import type { LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object({
    ...clipTowerConfig,
    hidden_size: int.default(1152),
    num_hidden_layers: int.default(27),
    intermediate_size: int.default(4304),
    image_size: int.default(224),
    layer_norm_eps: number.default(1e-6),
    // they follow from other keys, and no pooling head is read
    num_image_tokens: int.optional(),
    num_positions: int.optional(),
    projection_dim: int.optional(),
    projector_hidden_act: oneOf("gelu_fast").optional(),
    vision_use_head: bool.optional(),
  }).required(),
  text_config: object({ hidden_size: int.default(2048) }).required(),
  image_token_index: int.default(257152),
};
type Config = Infer<typeof config>;

class Projector extends Module {
  linear: Linear;

  constructor({ vision_config, text_config }: Config) {
    super();
    this.linear = new Linear(vision_config.hidden_size, text_config.hidden_size);
  }

  forward(x: MxArray): MxArray {
    return this.linear.forward(x);
  }
}

class PaliGemma extends VisionLanguageModel {
  vision_tower: ClipTower;
  multi_modal_projector: Projector;
  readonly #scale: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    this.vision_tower = new ClipTower(c.vision_config, SIGLIP);
    this.multi_modal_projector = new Projector(c);
    this.#scale = c.text_config.hidden_size ** -0.5; // the language model scales all its inputs up
  }

  override get seesWhole(): "prompt" {
    return "prompt";
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const patches = flatten(this.vision_tower.forward(imageTiles(arrays)), 0, 1); // [N, E]
    return { embeddings: this.multi_modal_projector.forward(patches).multiply(this.#scale) };
  }
}

const SEEING = /^(model\.)?(vision_tower|multi_modal_projector)\./;

const renames = [
  rename<unknown>(/^model\.language_model\./, "language_model.model."),
  rename<unknown>(/^lm_head\./, "language_model.lm_head."),
];

const textKeys = {
  model_type: oneOf("gemma", "gemma2").default("gemma"),
  num_image_tokens: int.optional(), // follows from the tower's sizes
  use_bidirectional_attention: oneOf(true).optional(), // of prompts with images, which is how these models see
};

/** What the first configs leave out. */
const SIZES = { head_dim: 256, rms_norm_eps: 1e-6 };

/** Gemma's config of its own, without what only says how images are seen. */
const toText =
  (defaults: Raw) =>
  (textConfig: Raw): Raw => {
    const { num_image_tokens: _, use_bidirectional_attention: _whole, ...own } = textConfig;
    return { ...defaults, ...own };
  };

const gemmaText = wrapText(gemmaWith(geluApprox), SEEING, toText(SIZES), renames);
const gemma2Text = wrapText(gemma2, SEEING, toText({ ...SIZES, query_pre_attn_scalar: 256 }), renames);

const text: Architecture = {
  bind: (raw) => {
    const { model_type } = parseConfig(textKeys, Object(raw.text_config)).config;
    return (model_type === "gemma2" ? gemma2Text : gemmaText).bind(raw);
  },
};

export const architecture = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new PaliGemma(c, language_model),
  sanitize: fitTower,
});
