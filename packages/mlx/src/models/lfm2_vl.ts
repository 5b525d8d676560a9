/** LFM2 with SigLIP 2's tower, over views of any size. @see mlx-lm 0.32.2 models/lfm2-vl.py, mlx-vlm 0.7.10 models/lfm2_vl */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Embedding, gelu, LayerNorm, Linear, Module } from "../nn/index.ts";
import {
  ClipBlocks,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  patchSquares,
  resizeGrid,
  VisionLanguageModel,
} from "../vision/index.ts";
import { bool, type Infer, int, number, object, oneOf, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { architecture as language } from "./lfm2.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const tower = {
  ...clipTowerConfig,
  hidden_size: int.default(768),
  num_hidden_layers: int.default(12),
  intermediate_size: int.default(3072),
  num_attention_heads: int.default(12),
  patch_size: int.default(16),
  /** Rows of the table of positions, which is a square. */
  num_patches: int.default(256),
  layer_norm_eps: number.default(1e-6),
  vision_use_head: oneOf(false).optional(),
  model_type: string.optional(),
  attention_dropout: number.optional(), // training only
};
type Tower = Infer<typeof tower>;

const config = {
  vision_config: object(tower).required(),
  text_config: object({ hidden_size: int.required() }).required(),
  image_token_id: int.default(396),
  image_token_index: int.optional(),
  /** Patches along a side that become one token. */
  downsample_factor: int.default(2),
  projector_hidden_size: int.default(2560),
  projector_bias: bool.default(true),
  projector_use_layernorm: bool.default(true),
  projector_hidden_act: oneOf("gelu").optional(),
  vision_feature_layer: oneOf(-1).optional(),
};
type Config = Infer<typeof config>;

class Embeddings extends Module {
  patch_embedding: Linear;
  position_embedding: Embedding;
  readonly #side: number;

  constructor(c: Tower) {
    super();
    this.patch_embedding = new Linear(c.num_channels * c.patch_size ** 2, c.hidden_size);
    this.position_embedding = new Embedding(c.num_patches, c.hidden_size);
    this.#side = Math.floor(c.num_patches ** 0.5);
  }

  /** `[rows * columns, P * P * C] -> [rows * columns, E]` */
  forward(patches: MxArray, rows: number, columns: number): MxArray {
    const table = this.position_embedding.updatedWeight;
    const grid = mx.reshape(table, [this.#side, this.#side, table.dim(1)]);
    const positions = mx.flatten(resizeGrid(grid, rows, columns, { antialias: true }), 0, 1);
    return mx.add(this.patch_embedding.forward(patches), positions);
  }
}

class Views extends Module {
  embeddings: Embeddings;
  encoder: ClipBlocks;
  post_layernorm: LayerNorm;

  constructor(c: Tower) {
    super();
    this.embeddings = new Embeddings(c);
    this.encoder = new ClipBlocks(c, c.hidden_act ?? "gelu_pytorch_tanh");
    this.post_layernorm = new LayerNorm(c.hidden_size, { eps: c.layer_norm_eps });
  }

  /** `[rows * columns, P * P * C] -> [1, rows * columns, E]` */
  forward(patches: MxArray, rows: number, columns: number): MxArray {
    let x = mx.expandDims(this.embeddings.forward(patches, rows, columns), 0);
    for (const block of this.encoder.layers) x = block.forward(x);
    return this.post_layernorm.forward(x);
  }
}

/** Squares of patches side by side, those beyond the edges zeros, through two layers. */
class Projector extends Module {
  declare layer_norm?: LayerNorm;
  linear_1: Linear;
  linear_2: Linear;
  readonly #scale: number;

  constructor({ vision_config, text_config, ...c }: Config) {
    super();
    const inputs = vision_config.hidden_size * c.downsample_factor ** 2;
    if (c.projector_use_layernorm) this.layer_norm = new LayerNorm(inputs);
    this.linear_1 = new Linear(inputs, c.projector_hidden_size, c.projector_bias);
    this.linear_2 = new Linear(c.projector_hidden_size, text_config.hidden_size, c.projector_bias);
    this.#scale = c.downsample_factor;
  }

  /** `[1, rows * columns, E] -> [N, E']` */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const [down, right] = [this.#missing(rows), this.#missing(columns)];
    const grid = mx.pad(mx.reshape(x, [rows, columns, -1]), [0, 1], [0, 0], [down, right]);
    const [H, W] = [rows + down, columns + right];
    const squares = mx.flatten(patchSquares(mx.reshape(grid, [1, H * W, -1]), H, W, this.#scale), 0, 1);
    const h = this.linear_1.forward(this.layer_norm?.forward(squares) ?? squares);
    return this.linear_2.forward(gelu(h));
  }

  /** How many patches a side lacks. */
  #missing(patches: number): number {
    return (this.#scale - (patches % this.#scale)) % this.#scale;
  }
}

class SeeingLfm2 extends VisionLanguageModel {
  vision_tower: Views;
  multi_modal_projector: Projector;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index ?? c.image_token_id);
    this.vision_tower = new Views(c.vision_config);
    this.multi_modal_projector = new Projector(c);
  }

  /** Each view by itself: as many patches as it has, the rest being padding. */
  embedImage(arrays: ImageArrays): ImageFeatures {
    const views = imageArray(arrays, "pixel_values"); // [views, patches, P * P * C]
    const sizes = [...imageArray(arrays, "spatial_shapes").toTypedArray()].map(Number); // rows, columns of each
    const embeddings = Array.from({ length: views.dim(0) }, (_, i) => {
      const [rows = 0, columns = 0] = sizes.slice(2 * i);
      const patches = mx.index(views, i, [0, rows * columns]);
      const features = this.vision_tower.forward(patches, rows, columns);
      return this.multi_modal_projector.forward(features, rows, columns);
    });
    return { embeddings: mx.concatenate(embeddings, 0) };
  }
}

const SEEING = /^(model\.)?(vision_tower|multi_modal_projector)\./;

const text = wrapText(language, SEEING, undefined, [
  rename(/^model\.language_model\./, "language_model.model."), // as transformers has it
]);

export const architecture = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new SeeingLfm2(c, language_model),
  sanitize: [
    rename(/^model\./, ""),
    rename(/^vision_tower\.vision_model\./, "vision_tower."),
    drop(/position_ids$/),
    drop(/^multi_modal_projector\.layer_norm\./, (c: Config) => !c.projector_use_layernorm),
  ],
});
