/** Idefics 3 and SmolVLM: SigLIP's tower over tiles, whose patches are put side by side. @see mlx-vlm 0.7.10 models/idefics3 */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import {
  ClipEncoder,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  patchSquares,
  SIGLIP,
  tablePositions,
  VisionLanguageModel,
} from "../vision/index.ts";
import { bool, type Infer, int, number, object, record } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop, rename } from "./sanitize-rules.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapByType } from "./wrap-by-type.ts";

const config = {
  vision_config: object({
    ...clipTowerConfig,
    hidden_size: int.default(1152),
    num_hidden_layers: int.default(12),
    intermediate_size: int.default(3072),
    num_attention_heads: int.default(16),
    layer_norm_eps: number.default(1e-6),
    // of the image processor, or of other models
    max_image_size: record.optional(),
    size: record.optional(),
    tie_word_embeddings: bool.optional(),
    use_base_siglip: bool.optional(),
  }).required(),
  text_config: object({ hidden_size: int.default(4096) }).required(),
  image_token_id: int.default(49153),
  /** Patches along a side that become one token. */
  scale_factor: int.default(2),
};
type Config = Infer<typeof config>;

class Projection extends Module {
  proj: Linear;

  constructor({ vision_config, text_config, scale_factor }: Config) {
    super();
    this.proj = new Linear(vision_config.hidden_size * scale_factor ** 2, text_config.hidden_size, false);
  }
}

/** Squares of patches side by side, through one layer. */
class Connector extends Module {
  modality_projection: Projection;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.modality_projection = new Projection(c);
    this.#scale = c.scale_factor;
  }

  /** `[tiles, rows * columns, E] -> [tiles * rows * columns / scale ** 2, E']` */
  forward(x: MxArray, rows: number, columns: number): MxArray {
    const squares = mx.flatten(patchSquares(x, rows, columns, this.#scale), 0, 1);
    return this.modality_projection.proj.forward(squares);
  }
}

class Idefics3 extends VisionLanguageModel {
  vision_model: ClipEncoder;
  connector: Connector;
  readonly #patchSize: number;
  readonly #side: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_id);
    const { image_size, patch_size } = c.vision_config;
    this.vision_model = new ClipEncoder(c.vision_config, SIGLIP);
    this.connector = new Connector(c);
    this.#patchSize = patch_size;
    this.#side = Math.floor(image_size / patch_size);
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const tiles = imageTiles(arrays);
    const [rows, columns] = [tiles.dim(2), tiles.dim(3)].map((size) => Math.floor(size / this.#patchSize));
    const [H = 0, W = 0] = [rows, columns];
    const patches = this.vision_model.forward(tiles, tablePositions(H, W, this.#side)); // [tiles, N, E]
    return { embeddings: this.connector.forward(patches, H, W) };
  }
}

/** Llama's, whose sizes some configs of SmolVLM leave out. */
const SMOLVLM = {
  hidden_size: 4096,
  num_hidden_layers: 32,
  intermediate_size: 11008,
  num_attention_heads: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 1000000,
  vocab_size: 49152,
};

const SEEING = /^(model\.)?(vision_model|connector)\./;

const text = wrapByType(SMOLVLM, [
  drop(SEEING),
  rename(/^(model\.text_model|language_model)\.(?!lm_head\.|model\.)/, "model."),
]);

export const architecture = withVision(text, {
  config,
  weights: SEEING,
  create: (c, language_model) => new Idefics3(c, language_model),
  sanitize: fitTower,
});
