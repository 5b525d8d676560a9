/**
 * Gemma 4 with its tower, whose tokens are normed and projected. Audio is left out.
 *
 * @see mlx-lm 0.32.2 models/gemma4.py, mlx-vlm 0.7.10 models/gemma4
 */
import { equal, type MxArray, where, zerosLike } from "../core/index.ts";
import { BareRMSNorm, Linear, Module } from "../nn/index.ts";
import {
  Gemma4Tower,
  gemma4TowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, object, oneOf, parseConfig, string } from "./config.ts";
import { architecture as text } from "./gemma4_text.ts";
import type { ForwardOptions, LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object(gemma4TowerConfig).required(),
  text_config: object({
    hidden_size: int.default(1536),
    /** `vision`: tokens of an image see each other. */
    use_bidirectional_attention: oneOf("vision", "all").optional(),
  }).required(),
  image_token_id: int.default(258880),
};
type Config = Infer<typeof config>;

/** From a tower into the language model's dimension. */
class Embedder extends Module {
  embedding_projection: Linear;
  readonly #norm: BareRMSNorm;

  constructor({ vision_config, text_config }: Config) {
    super();
    this.embedding_projection = new Linear(vision_config.hidden_size, text_config.hidden_size, false);
    this.#norm = new BareRMSNorm(vision_config.rms_norm_eps);
  }

  forward(x: MxArray): MxArray {
    return this.embedding_projection.forward(this.#norm.forward(x));
  }
}

class Gemma4 extends VisionLanguageModel {
  vision_tower: Gemma4Tower;
  embed_vision: Embedder;
  readonly #scale: number;
  readonly #seesImagesWhole: boolean;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id);
    this.vision_tower = new Gemma4Tower(c.vision_config);
    this.embed_vision = new Embedder(c);
    this.#scale = c.text_config.hidden_size ** -0.5; // the language model scales all its inputs up
    this.#seesImagesWhole = c.text_config.use_bidirectional_attention === "vision";
  }

  override get seesWhole(): "images" | undefined {
    return this.#seesImagesWhole ? "images" : undefined;
  }

  /** Where an image stands, layers get the inputs of padding, token 0. */
  override forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    if (options.embeddings === undefined) return super.forward(tokens, options);
    const words = where(equal(tokens, this.imageTokenId), zerosLike(tokens), tokens);
    return super.forward(words, options);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const tokens = this.vision_tower.forward(imageTiles(arrays)); // [N, E]
    return { embeddings: this.embed_vision.forward(tokens).multiply(this.#scale) };
  }
}

const others =
  /^(model\.)?(vision_tower|multi_modal_projector|audio_tower|embed_audio|embed_vision|vision_embedder)/;

const language = wrapText(
  text,
  others,
  (text_config, { vocab_size = 262144 }) => ({
    num_attention_heads: 8,
    num_key_value_heads: 1,
    ...text_config,
    vocab_size,
  }),
  [rename(/^model\.language_model\./, "language_model.model."), rename(/^model\./, "")],
);

const gemma4 = withVision(language, {
  config,
  weights: /^(model\.)?(vision_tower|embed_vision)\./,
  create: (c, language_model) => new Gemma4(c, language_model),
  sanitize: [
    rename(/^model\./, ""),
    drop(/rotary_emb/),
    drop<Config>(/(input|output)_(min|max)$/, ({ vision_config }) => !vision_config.use_clipped_linears),
  ],
});

/** The unified model has no tower; here it is of text alone. */
const isUnified = (raw: Readonly<Record<string, unknown>>): boolean =>
  parseConfig({ model_type: string.optional() }, raw).config.model_type === "gemma4_unified";

export const architecture: Architecture = {
  bind: (raw) => (isUnified(raw) ? language : gemma4).bind(raw),
};
