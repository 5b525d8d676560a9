/**
 * Molmo: Qwen 2 by OLMo's names, with new tokens in a table of their own, to whose embeddings what CLIP's tower sees is
 * added.
 *
 * @see mlx-vlm 0.7.10 models/molmo
 */
import { cachedAttention, splitFusedHeads } from "../blocks/attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { createRope } from "../blocks/rope.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, RMSNorm, swiglu } from "../nn/index.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  MolmoTower,
  molmoTowerConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, object, oneOf, parseConfig, record, string } from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { withVision } from "./with-vision.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

const textConfig = {
  d_model: int.default(3584),
  n_heads: int.default(28),
  n_kv_heads: int.default(4),
  n_layers: int.default(28),
  /** Features of gate and up together. */
  mlp_hidden_size: int.default(37888),
  vocab_size: int.default(152064),
  /** Rows of the embedding before those of the new tokens. */
  embedding_size: int.default(152064),
  additional_vocab_size: int.default(128),
  layer_norm_eps: number.default(1e-5),
  rope_theta: number.default(1000000),
  act_output_multiplier: oneOf(0.5).optional(),
  attention_layer_norm: oneOf(false).optional(),
  layer_norm_type: oneOf("rms").optional(),
  norm_after: oneOf(false).optional(),
  qkv_bias: oneOf(true).optional(),
  rope: oneOf(true).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  weight_tying: oneOf(false).optional(),
  // how others run it, and sizes that the ones above say as well
  max_sequence_length: int.optional(),
  mlp_ratio: number.optional(),
  rope_full_precision: bool.optional(),
  rope_impl: string.optional(),
  use_position_ids: bool.optional(),
};
type TextConfig = Infer<typeof textConfig>;

const norm = (c: TextConfig): RMSNorm => new RMSNorm(c.d_model, c.layer_norm_eps);

class Block extends Module {
  attn_norm: RMSNorm;
  att_proj: Linear;
  attn_out: Linear;
  ff_norm: RMSNorm;
  ff_proj: Linear;
  ff_out: Linear;
  readonly #H: number;
  readonly #K: number;
  readonly #scale: number;
  readonly #rope: PositionEmbedding;

  constructor(c: TextConfig) {
    super();
    const D = Math.floor(c.d_model / c.n_heads);
    this.#H = c.n_heads;
    this.#K = c.n_kv_heads;
    this.#scale = D ** -0.5;
    this.#rope = createRope({ dims: D, base: c.rope_theta });
    this.attn_norm = norm(c);
    this.att_proj = new Linear(c.d_model, c.d_model + 2 * c.n_kv_heads * D);
    this.attn_out = new Linear(c.d_model, c.d_model, false);
    this.ff_norm = norm(c);
    this.ff_proj = new Linear(c.d_model, c.mlp_hidden_size, false);
    this.ff_out = new Linear(Math.floor(c.mlp_hidden_size / 2), c.d_model, false);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const heads = splitFusedHeads(this.att_proj.forward(this.attn_norm.forward(x)), this.#H, this.#K);
    const options = { rope: this.#rope, scale: this.#scale, mask, cache };
    const h = mx.add(x, this.attn_out.forward(cachedAttention(...heads, options))); // [B, L, E]
    const [up = h, gate = h] = mx.split(this.ff_proj.forward(this.ff_norm.forward(h)), 2, -1); // [B, L, F / 2]
    return mx.add(h, this.ff_out.forward(swiglu(gate, up)));
  }
}

/** Rows for the tokens of the language model, and after them rows for new ones. */
class Words extends Module {
  embedding: MxArray;
  new_embedding: MxArray;

  constructor(c: TextConfig) {
    super();
    this.embedding = mx.zeros([c.embedding_size, c.d_model]);
    this.new_embedding = mx.zeros([c.additional_vocab_size, c.d_model]);
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray): MxArray {
    const count = this.embedding.dim(0);
    const old = mx.take(this.embedding, mx.minimum(tokens, count - 1), 0);
    const added = mx.take(this.new_embedding, mx.maximum(tokens.astype(mx.int32).subtract(count), 0), 0);
    return mx.where(mx.expandDims(mx.less(tokens, count), -1), old, added);
  }
}

/** The output layer, `ff_out`, is in here too. */
class Transformer extends Module {
  wte: Words;
  blocks: Block[];
  ln_f: RMSNorm;
  ff_out: Linear;

  constructor(c: TextConfig) {
    super();
    this.wte = new Words(c);
    this.blocks = Array.from({ length: c.n_layers }, () => new Block(c));
    this.ln_f = norm(c);
    this.ff_out = new Linear(c.d_model, c.vocab_size, false);
  }
}

class MolmoText extends LanguageModel {
  model: Transformer;

  constructor(c: TextConfig) {
    super();
    this.model = new Transformer(c);
  }

  forward(tokens: MxArray, { cache, embeddings = this.embed(tokens) }: ForwardOptions = {}): MxArray {
    const { blocks, ln_f, ff_out } = this.model;
    const mask = layerCache(cache, 0).makeMask(embeddings.dim(1));
    const h = blocks.reduce((x, block, i) => block.forward(x, mask, layerCache(cache, i)), embeddings);
    return ff_out.forward(ln_f.forward(h)); // [B, L, V]
  }

  override embed(tokens: MxArray): MxArray {
    return this.model.wte.forward(tokens);
  }

  get layers(): readonly Block[] {
    return this.model.blocks;
  }
}

const config = {
  vision_config: object(molmoTowerConfig).required(),
  text_config: object({
    embedding_size: textConfig.embedding_size,
    additional_vocab_size: textConfig.additional_vocab_size,
  }).required(),
};
type Config = Infer<typeof config>;

/** Prompts have `<im_patch>`, the third of the new tokens, where a row of features goes; a tokenizer knows its own. */
const imageTokenOf = ({ text_config }: Config): number => text_config.embedding_size + 2;

class Molmo extends VisionLanguageModel {
  vision_tower: MolmoTower;
  readonly #firstNew: number;
  readonly #afterNew: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, imageTokenOf(c));
    this.vision_tower = new MolmoTower(c.vision_config);
    this.#firstNew = c.text_config.embedding_size;
    this.#afterNew = this.#firstNew + c.text_config.additional_vocab_size;
  }

  /** Around images and at the ends of their rows stand new tokens, too. */
  override standsForImage(token: number): boolean {
    return Number.isInteger(token) && token >= this.#firstNew && token < this.#afterNew;
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const patches = imageArray(arrays, "pixel_values");
    const features = this.vision_tower.forward(patches, imageArray(arrays, "image_masks"));
    // negative where crops overlap: the one beside has it
    const places = [...imageArray(arrays, "image_input_idx").toTypedArray()].map(Number);
    const rows = places.flatMap((place, row) => (place < 0 ? [] : { place, row }));
    const inOrder = rows.sort((a, b) => a.place - b.place).map(({ row }) => row);
    return { embeddings: mx.take(features, mx.array(inOrder, mx.int32), 0) };
  }

  /** Features are added to the image token's own embedding. */
  override mergeEmbeddings(tokens: readonly number[], features: MxArray): MxArray {
    const words = this.embed(mx.array([tokens], mx.int32)); // [1, L, E]
    return words.add(this.placeFeatures(tokens, features, mx.zerosLike(words)));
  }
}

const SEEING = /^(model\.vision_backbone|vision_tower)\./;

const text = wrapText(
  defineArchitecture({ config: textConfig, create: (c) => new MolmoText(c) }),
  SEEING,
  undefined,
  [rename(/^model\.transformer\./, "language_model.model.")],
);

const seeing = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new Molmo(c, language_model),
  sanitize: [rename(/^model\.vision_backbone\./, "vision_tower.")],
});

/** The language model's config from Ai2's, which names its sizes as transformers does. */
const toTextConfig = ({ text_config, vision_config: _, ...raw }: Raw): Raw => {
  const {
    hidden_size: d_model,
    num_attention_heads: n_heads,
    num_key_value_heads: n_kv_heads,
    num_hidden_layers: n_layers,
    intermediate_size: mlp_hidden_size,
    ...others
  } = raw;
  return { ...others, d_model, n_heads, n_kv_heads, n_layers, mlp_hidden_size, ...Object(text_config) };
};

/** Ai2's configs say nothing of the tower: all have the same. */
export const architecture: Architecture = {
  bind: (raw) => {
    const text_config = toTextConfig(raw);
    const { d_model, mlp_hidden_size } = parseConfig(textConfig, text_config).config;
    const { vision_config = {} } = parseConfig({ vision_config: record.optional() }, raw).config;
    const sizes = { d_model, hidden_size: mlp_hidden_size / 2 };
    return seeing.bind({ ...raw, text_config, vision_config: { ...sizes, ...vision_config } });
  },
};
