/**
 * DeepSeek OCR: what SAM's tower sees goes through CLIP's, and both side by side into DeepSeek. As in training, where
 * mlx-vlm departs from it: CLIP's activation and norms, and how tables of positions are resized.
 *
 * @see mlx-vlm 0.7.10 models/deepseekocr
 */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, LayerNorm, Linear, Module } from "../nn/index.ts";
import {
  CLIP,
  ClipBlocks,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  imageTiles,
  resizeGrid,
  SamTower,
  samTowerConfig,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, number, object, oneOf, parseConfig, record, string } from "./config.ts";
import { architecture as deepseek } from "./deepseek.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop, map, rename, splitInto } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { withVision } from "./with-vision.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

const clip = {
  width: int.default(1024),
  layers: int.default(24),
  heads: int.default(16),
  image_size: int.default(224),
  patch_size: int.default(14),
};
const towers = { "clip-l-14-224": object(clip).optional(), sam_vit_b: object(samTowerConfig).optional() };
const projector = {
  projector_type: oneOf("linear").default("linear"),
  input_dim: int.default(2048),
  n_embed: int.default(1280),
};
const config = {
  vision_config: object({
    width: object(towers).default({ "clip-l-14-224": undefined, sam_vit_b: undefined }),
    // what the towers say as well
    image_size: int.optional(),
    mlp_ratio: number.optional(),
    model_name: string.optional(),
  }).required(),
  projector_config: object(projector).default(parseConfig(projector, {}).config),
  image_token_index: int.default(128815),
  tile_tag: oneOf("2D").optional(),
};
type Config = Infer<typeof config>;
type ClipConfig = Infer<typeof clip>;

/** CLIP's positions, of whose own patches nothing is needed. */
class Places extends Module {
  class_embedding: MxArray;
  position_embedding: Embedding;
  readonly #side: number;

  constructor({ width, image_size, patch_size }: ClipConfig) {
    super();
    this.#side = Math.floor(image_size / patch_size);
    this.class_embedding = mx.zeros([width]);
    this.position_embedding = new Embedding(this.#side ** 2 + 1, width);
  }

  /** `[B, rows, columns, E] -> [B, 1 + rows * columns, E]` */
  forward(x: MxArray): MxArray {
    const [B = 1, rows = 1, columns = 1, E = 1] = x.shape;
    const first = mx.broadcastTo(this.class_embedding, [B, 1, E]);
    const [ofFirst = x, table = x] = mx.split(this.position_embedding.updatedWeight, [1], 0);
    const grid = mx.unflatten(table, 0, [this.#side, this.#side]);
    const places = resizeGrid(grid, rows, columns, { by: "cubic", antialias: true });
    const positions = mx.concatenate([ofFirst, mx.flatten(places, 0, 1)], 0);
    return mx.add(mx.concatenate([first, mx.flatten(x, 1, 2)], 1), positions);
  }
}

/** CLIP's tower over the features of another. */
class SecondTower extends Module {
  embeddings: Places;
  pre_layrnorm: LayerNorm; // as the checkpoints spell it
  transformer: ClipBlocks;

  constructor(c: ClipConfig) {
    super();
    const blocks = {
      hidden_size: c.width,
      num_hidden_layers: c.layers,
      intermediate_size: c.width * 4,
      num_attention_heads: c.heads,
      layer_norm_eps: 1e-5,
    };
    this.embeddings = new Places(c);
    this.pre_layrnorm = new LayerNorm(c.width);
    this.transformer = new ClipBlocks(blocks, CLIP.activation);
  }

  /** `[B, rows, columns, E] -> [B, rows * columns, E]`, without the class token */
  forward(x: MxArray): MxArray {
    const h = this.pre_layrnorm.forward(this.embeddings.forward(x));
    return mx.index(
      this.transformer.layers.reduce((y, block) => block.forward(y), h),
      [],
      [1],
    );
  }
}

class Projector extends Module {
  layers: Linear;

  constructor({ input_dim, n_embed }: Infer<typeof projector>) {
    super();
    this.layers = new Linear(input_dim, n_embed);
  }
}

class DeepseekOcr extends VisionLanguageModel {
  sam_model: SamTower;
  vision_model: SecondTower;
  projector: Projector;
  /** Ends a row. */
  image_newline: MxArray;
  /** Ends the whole. */
  view_separator: MxArray;

  constructor({ vision_config: { width }, ...c }: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    this.sam_model = new SamTower(width.sam_vit_b ?? parseConfig(samTowerConfig, {}).config);
    this.vision_model = new SecondTower(width["clip-l-14-224"] ?? parseConfig(clip, {}).config);
    this.projector = new Projector(c.projector_config);
    this.image_newline = mx.zeros([c.projector_config.n_embed]);
    this.view_separator = mx.zeros([c.projector_config.n_embed]);
  }

  /** Rows over all tiles, then those of the whole. */
  embedImage(arrays: ImageArrays): ImageFeatures {
    const whole = this.#endRows(this.#see(imageTiles(arrays)), 1);
    const [columns = 1] = [...imageArray(arrays, "images_spatial_crop").toTypedArray()].map(Number);
    const tiles =
      arrays.image_tiles === undefined ? [] : [this.#endRows(this.#see(arrays.image_tiles), columns)];
    return { embeddings: mx.concatenate([...tiles, whole, mx.expandDims(this.view_separator, 0)], 0) };
  }

  /** `[tiles, C, H, W] -> [tiles, rows, columns, E]` */
  #see(pixels: MxArray): MxArray {
    const first = this.sam_model.forward(pixels); // [tiles, rows, columns, E']
    const second = mx.unflatten(this.vision_model.forward(first), 1, [first.dim(1), first.dim(2)]);
    return this.projector.layers.forward(mx.concatenate([second, first], -1));
  }

  /** Tiles `[tiles, rows, columns, E]`, so many side by side, to their rows with what ends them, `[N, E]`. */
  #endRows(tiles: MxArray, across: number): MxArray {
    const [count = 1, rows = 1, columns = 1, E = 1] = tiles.shape;
    const down = count / across;
    const grid = mx.transpose(mx.reshape(tiles, [down, across, rows, columns, E]), [0, 2, 1, 3, 4]);
    const lines = mx.reshape(grid, [down * rows, across * columns, E]);
    const ends = mx.broadcastTo(this.image_newline, [down * rows, 1, E]);
    return mx.flatten(mx.concatenate([lines, ends], 1), 0, 1);
  }
}

const SEEING = /^(model\.)?(sam_model|vision_model|projector|image_newline|view_sepe?a?rator)(\.|$)/;

/** What language models of its kind may have, and this one has not. */
const absent = {
  use_mla: oneOf(false).optional(),
  topk_method: oneOf("greedy").optional(),
  n_group: oneOf(1).optional(),
  topk_group: oneOf(1).optional(),
  qk_nope_head_dim: oneOf(0).optional(),
  qk_rope_head_dim: oneOf(0).optional(),
  v_head_dim: oneOf(0).optional(),
  lm_head: oneOf(true).optional(),
  rm_head: oneOf(false).optional(),
};
const withoutAbsent = (textConfig: Raw): Raw => {
  parseConfig(absent, textConfig);
  return Object.fromEntries(Object.entries(textConfig).filter(([key]) => !Object.hasOwn(absent, key)));
};

const text = wrapText(deepseek, SEEING, withoutAbsent, [rename(/^(?!language_model\.)/, "language_model.")]);

const seeing = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new DeepseekOcr(c, language_model),
  sanitize: [
    rename(/^model\./, ""),
    rename(/^view_seperator$/, "view_separator"),
    drop(/position_ids$|^vision_model\.embeddings\.patch_embedding\./),
    splitInto(/(?<=^vision_model\..*)qkv_proj(?=\.)/, ["q_proj", "k_proj", "v_proj"]),
    map(
      /^sam_model\.(patch_embed\.proj|neck\.[02]|net_[23])\.weight$/,
      [transposed(0, 2, 3, 1)],
      (shape) => shape[1] !== shape[2],
    ),
  ],
});

/** The settings of the language model, which the publisher's configs call `language_config`. */
const texts = { text_config: record.optional(), language_config: record.optional() };

export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config, language_config } = parseConfig(texts, raw).config;
    return seeing.bind({ ...raw, text_config: text_config ?? language_config });
  },
};
