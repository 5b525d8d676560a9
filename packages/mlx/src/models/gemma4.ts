/** Gemma 4 with its vision tower; without what it hears with. @see mlx-lm 0.32.2 models/gemma4.py, mlx-vlm 0.7.10 models/gemma4 */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import {
  Gemma4Tower,
  gemma4TowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, object, string } from "./config.ts";
import { architecture as language } from "./gemma4_text.ts";
import type { ForwardOptions, LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object(gemma4TowerConfig).required(),
  text_config: object({
    hidden_size: int.default(1536),
    /** `vision`: tokens of an image see each other. */
    use_bidirectional_attention: string.optional(),
  }).required(),
  image_token_id: int.default(258880),
};
type Config = Infer<typeof config>;

/** Features, normed, into the language model's dimension. */
class Embedder extends Module {
  embedding_projection: Linear;
  readonly #eps: number;

  constructor({ vision_config: v, text_config }: Config) {
    super();
    this.embedding_projection = new Linear(v.hidden_size, text_config.hidden_size, false);
    this.#eps = v.rms_norm_eps;
  }

  forward(x: MxArray): MxArray {
    return this.embedding_projection.forward(mx.fast.rmsNorm(x, undefined, this.#eps));
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

  override get seesImagesWhole(): boolean {
    return this.#seesImagesWhole;
  }

  /** What layers are told of image tokens is what they are told of padding, token 0. */
  override forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    const known = mx.where(mx.equal(tokens, this.imageTokenId), mx.zerosLike(tokens), tokens);
    return super.forward(known, options);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const features = mx.flatten(this.vision_tower.forward(imageTiles(arrays)), 0, 1); // [N, E]
    return { embeddings: this.embed_vision.forward(features).multiply(this.#scale) };
  }
}

const others =
  /^(model\.)?(vision_tower|multi_modal_projector|audio_tower|embed_audio|embed_vision|vision_embedder)/;

const text = wrapText(
  language,
  others,
  (text_config, { vocab_size = 262144 }) => ({
    num_attention_heads: 8,
    num_key_value_heads: 1,
    ...text_config,
    vocab_size,
  }),
  [rename(/^model\.language_model\./, "language_model.model."), rename(/^model\./, "")],
);

export const architecture = withVision(text, {
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
