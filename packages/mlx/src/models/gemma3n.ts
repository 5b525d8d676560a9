/**
 * Gemma 3n with MobileNet's tower; what hears is left out.
 *
 * mlx-vlm pads and transposes what the tower sees, rounds its activations and leaves embeddings of text small beside an
 * image, all unlike timm and transformers, which are followed here.
 *
 * @see mlx-lm 0.32.2 models/gemma3n.py, mlx-vlm 0.7.10 models/gemma3n, timm 1.0.31 models/mobilenetv5.py
 */
import { InnerText } from "../blocks/inner-text.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { BareRMSNorm, Embedding, Linear, Module, RMSNorm } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  MobileNetTower,
  mobileNetConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { type Infer, int, number, object, parseConfig, record } from "./config.ts";
import {
  Gemma3nDecoder,
  Gemma3nHead,
  architecture as language,
  config as textConfig,
} from "./gemma3n_text.ts";
import type { ForwardOptions, LanguageModel } from "./language-model.ts";
import { drop, map, rename, whenPresent } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object({
    ...mobileNetConfig,
    rms_norm_eps: number.default(1e-6),
    /** Tokens that only stand beside images, and the first one's id. */
    vocab_size: int.default(128),
    vocab_offset: int.default(262144),
  }).required(),
  text_config: object({ hidden_size: int.required() }).required(),
  image_token_id: int.default(262145),
  vision_soft_tokens_per_image: int.default(256),
};
type Config = Infer<typeof config>;

/** What is seen, and tokens that stand beside images, in the language model's dimension. */
class Embedder extends Module {
  embedding: Embedding;
  hard_embedding_norm: RMSNorm;
  soft_embedding_norm: RMSNorm;
  embedding_projection: Linear;
  readonly #norm: BareRMSNorm;
  readonly #first: number;
  readonly #scale: number;

  constructor({ vision_config: v, text_config }: Config) {
    super();
    this.embedding = new Embedding(v.vocab_size, v.hidden_size);
    this.hard_embedding_norm = new RMSNorm(v.hidden_size, v.rms_norm_eps);
    this.soft_embedding_norm = new RMSNorm(v.hidden_size, v.rms_norm_eps);
    this.embedding_projection = new Linear(v.hidden_size, text_config.hidden_size, false);
    this.#norm = new BareRMSNorm(v.rms_norm_eps);
    this.#first = v.vocab_offset;
    this.#scale = v.hidden_size ** 0.5;
  }

  /** Features `[..., E]` to `[..., E']` */
  see(features: MxArray): MxArray {
    return this.#project(this.soft_embedding_norm.forward(features.multiply(this.#scale)));
  }

  /** `[B, L, E']`: of `tokens` `[B, L]` those beside images by a table of their own, and `words` for the others. */
  replace(tokens: MxArray, words: MxArray): MxArray {
    const own = tokens.subtract(this.#first);
    const count = this.embedding.weight.dim(0);
    const isOwn = mx.logicalAnd(mx.greaterEqual(own, 0), mx.less(own, count)); // [B, L]
    const embedded = this.embedding.forward(mx.clip(own, 0, count - 1));
    const projected = this.#project(this.hard_embedding_norm.forward(embedded));
    return mx.where(mx.expandDims(isOwn, -1), projected.astype(words.dtype), words);
  }

  #project(normed: MxArray): MxArray {
    return this.#norm.forward(this.embedding_projection.forward(normed));
  }
}

class Tower extends Module {
  timm_model: MobileNetTower;

  constructor({ vision_config, vision_soft_tokens_per_image }: Config) {
    super();
    this.timm_model = new MobileNetTower(vision_config, vision_soft_tokens_per_image ** 0.5);
  }
}

class Gemma3n extends VisionLanguageModel {
  vision_tower: Tower;
  embed_vision: Embedder;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id);
    this.vision_tower = new Tower(c);
    this.embed_vision = new Embedder(c);
  }

  override embed(tokens: MxArray): MxArray {
    return this.embed_vision.replace(tokens, super.embed(tokens));
  }

  override forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return super.forward(tokens, { embeddings: this.embed(tokens), ...options });
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const squares = this.vision_tower.timm_model.forward(imageTiles(arrays)); // [1, side, side, E]
    return { embeddings: this.embed_vision.see(mx.flatten(squares, 0, 2)) };
  }
}

/** The language model where Python mlx-lm has it, for checkpoints that see nothing. */
class Gemma3nModel extends Gemma3nHead {
  model: InnerText<Gemma3nDecoder>;

  constructor(c: Infer<typeof textConfig>) {
    super(c);
    this.model = new InnerText(new Gemma3nDecoder(c));
  }

  protected get body(): Gemma3nDecoder {
    return this.model.language_model;
  }
}

const OTHERS = /^(model\.)?(vision_tower|audio_tower|embed_audio|embed_vision)\./;

const textAlone = defineArchitecture({
  config: textConfig,
  create: (c) => new Gemma3nModel(c),
  sanitize: [drop(OTHERS), drop(/^lm_head\./)],
});

/** The settings of the language model are under `text_config`. */
const text: Architecture = {
  bind: (raw) => textAlone.bind(parseConfig({ text_config: record.required() }, raw).config.text_config),
};

const seeingText = wrapText(language, OTHERS, undefined, [
  drop<unknown>(/^(model\.)?lm_head\./),
  rename(/^model\.language_model\./, "language_model.model."),
]);

/** Kernels over rows and columns, whose channels PyTorch puts first. */
const moveChannels = map<unknown>(
  /^vision_tower\..*\.weight$/,
  [transposed(0, 2, 3, 1)],
  ({ length }) => length === 4,
);

export const architecture = withVision(
  text,
  {
    config,
    weights: /^(model\.)?(vision_tower|embed_vision)\./,
    create: (c, language_model) => new Gemma3n(c, language_model),
    sanitize: [
      rename(/^model\./, ""),
      whenPresent(/blocks\.0\.0\.conv_exp\.weight$/, [moveChannels], ([, , H, W]) => H === W),
    ],
  },
  seeingText,
);
