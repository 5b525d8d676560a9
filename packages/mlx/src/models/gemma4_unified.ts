/**
 * Gemma 4 Unified, which sees without a tower: squares of pixels become features at once. Without what it hears with.
 *
 * @see mlx-vlm 0.7.10 models/gemma4_unified
 */
import * as mx from "../core/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { LayerNorm, Linear, Module } from "../nn/index.ts";
import { cutPatches, type ImageArrays, type ImageFeatures, imageTiles } from "../vision/index.ts";
import { type Infer, int, number, object, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { rename } from "./sanitize-rules.ts";
import { gemma4Config, gemma4Text, SeeingGemma4 } from "./seeing-gemma4.ts";
import { withVision } from "./with-vision.ts";

const tower = {
  patch_size: int.default(16),
  /** Patches along a square. */
  pooling_kernel_size: int.default(3),
  mm_embed_dim: int.default(3840),
  /** Squares along a side that have positions. */
  mm_posemb_size: int.default(1120),
  output_proj_dims: int.default(3840),
  rms_norm_eps: number.default(1e-6),
  // what the sizes above say as well, and the image processor's
  model_patch_size: int.optional(),
  num_soft_tokens: int.optional(),
};
const config = {
  ...gemma4Config,
  text_config: object({
    hidden_size: int.default(3840),
    use_bidirectional_attention: string.nullable("vision"),
  }).required(),
  vision_config: object(tower).required(),
};
type Config = Infer<typeof config>;

/** Squares of pixels, normed around one layer, with what their column and row are. */
class Squares extends Module {
  patch_ln1: LayerNorm;
  patch_dense: Linear;
  patch_ln2: LayerNorm;
  pos_embedding: MxArray;
  pos_norm: LayerNorm;
  readonly #side: number; // pixels

  constructor(c: Infer<typeof tower>) {
    super();
    const E = c.mm_embed_dim;
    this.#side = c.patch_size * c.pooling_kernel_size;
    const pixels = this.#side ** 2 * 3;
    this.patch_ln1 = new LayerNorm(pixels);
    this.patch_dense = new Linear(pixels, E);
    this.patch_ln2 = new LayerNorm(E);
    this.pos_embedding = mx.zeros([c.mm_posemb_size, 2, E]);
    this.pos_norm = new LayerNorm(E);
  }

  /** `[1, C, H, W] -> [1, N, E]` */
  forward(image: MxArray): MxArray {
    const squares = this.patch_ln1.forward(cutPatches(image, this.#side)); // [1, N, S * S * C]
    const features = this.patch_ln2.forward(this.patch_dense.forward(squares));
    const [rows, columns] = [image.dim(2), image.dim(3)].map((size) => Math.floor(size / this.#side));
    return this.pos_norm.forward(add(features, this.#places(rows ?? 0, columns ?? 0)));
  }

  /** `[rows * columns, E]` */
  #places(rows: number, columns: number): MxArray {
    const [byColumn, byRow] = [columns, rows].map((count, axis) =>
      mx.index(this.pos_embedding, [0, count], axis),
    );
    if (byColumn === undefined || byRow === undefined) return this.pos_embedding;
    return mx.flatten(add(mx.expandDims(byRow, 1), mx.expandDims(byColumn, 0)), 0, 1);
  }
}

class Gemma4Unified extends SeeingGemma4 {
  vision_embedder: Squares;

  constructor({ vision_config, ...c }: Config, language_model: LanguageModel) {
    super(c, language_model, { dims: vision_config.output_proj_dims, eps: vision_config.rms_norm_eps });
    this.vision_embedder = new Squares(vision_config);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    return { embeddings: this.embedFeatures(this.vision_embedder.forward(imageTiles(arrays))) };
  }
}

export const architecture = withVision(gemma4Text, {
  config,
  weights: /^(model\.)?(vision_embedder|embed_vision)\./,
  create: (c, language_model) => new Gemma4Unified(c, language_model),
  sanitize: [rename(/^model\./, "")],
});
