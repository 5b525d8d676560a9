/** What Gemma 4 and its unified model share: the language model, and how features get into it. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { type Infer, int, object, string } from "./config.ts";
import { architecture as language } from "./gemma4_text.ts";
import type { ForwardOptions, LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { wrapText } from "./wrap-text.ts";

export const gemma4Config = {
  text_config: object({
    hidden_size: int.default(1536),
    /** `vision`: tokens of an image see each other. */
    use_bidirectional_attention: string.optional(),
  }).required(),
  image_token_id: int.default(258880),
};
type Config = Infer<typeof gemma4Config>;

/** Features, normed, into the language model's dimension. */
class Embedder extends Module {
  embedding_projection: Linear;
  readonly #eps: number;

  constructor(inputs: number, outputs: number, eps: number) {
    super();
    this.embedding_projection = new Linear(inputs, outputs, false);
    this.#eps = eps;
  }

  forward(x: MxArray): MxArray {
    return this.embedding_projection.forward(mx.fast.rmsNorm(x, undefined, this.#eps));
  }
}

/** Gemma 4 but for what it sees with. */
export abstract class SeeingGemma4 extends VisionLanguageModel {
  embed_vision: Embedder;
  readonly #scale: number;
  readonly #seesImagesWhole: boolean;

  /** @param features - their number, and what is added to their mean square before they are divided by its root */
  constructor(
    c: Config,
    language_model: LanguageModel,
    features: { readonly dims: number; readonly eps: number },
  ) {
    super(language_model, c.image_token_id);
    const { hidden_size, use_bidirectional_attention } = c.text_config;
    this.embed_vision = new Embedder(features.dims, hidden_size, features.eps);
    this.#scale = hidden_size ** -0.5; // the language model scales all its inputs up
    this.#seesImagesWhole = use_bidirectional_attention === "vision";
  }

  override get seesWhole(): "images" | undefined {
    return this.#seesImagesWhole ? "images" : undefined;
  }

  /** What layers are told of image tokens is what they are told of padding, token 0. */
  override forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    const known = mx.where(mx.equal(tokens, this.imageTokenId), mx.zerosLike(tokens), tokens);
    return super.forward(known, options);
  }

  /** Features `[1, N, E]` of an image to input embeddings `[N, E']`. */
  protected embedFeatures(features: MxArray): MxArray {
    return this.embed_vision.forward(mx.flatten(features, 0, 1)).multiply(this.#scale);
  }
}

const OTHERS =
  /^(model\.)?(vision_tower|multi_modal_projector|audio_tower|embed_audio|embed_vision|vision_embedder)/;

/** The language model under `language_model`. */
export const gemma4Text = wrapText(
  language,
  OTHERS,
  (text_config, { vocab_size = 262144 }) => ({
    num_attention_heads: 8,
    num_key_value_heads: 1,
    ...text_config,
    vocab_size,
  }),
  [rename(/^model\.language_model\./, "language_model.model."), rename(/^model\./, "")],
);
