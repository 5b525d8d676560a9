/** Gemma 3 with SigLIP's tower, whose patches are pooled. @see mlx-lm 0.32.2 models/gemma3.py, mlx-vlm 0.7.10 models/gemma3 */
import { type MxArray, matmul, mean, ones, reshape } from "../core/index.ts";
import { Module, OffsetRMSNorm } from "../nn/index.ts";
import {
  ClipTower,
  clipTowerConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  SIGLIP,
  VisionLanguageModel,
} from "../vision/index.ts";
import { type Infer, int, number, object, parseConfig } from "./config.ts";
import { architecture as text } from "./gemma3_text.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitTower } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapText } from "./wrap-text.ts";

const schema = { vocab_size: int.default(262208) };
const heads = { num_attention_heads: 8, num_key_value_heads: 4 };

const config = {
  vision_config: object({
    ...clipTowerConfig,
    hidden_size: int.default(1152),
    num_hidden_layers: int.default(27),
    intermediate_size: int.default(4304),
    image_size: int.default(896),
    layer_norm_eps: number.default(1e-6),
  }).required(),
  text_config: object({ hidden_size: int.default(1152) }).required(),
  image_token_index: int.default(262144),
  mm_tokens_per_image: int.default(256),
};
type Config = Infer<typeof config>;

/** Means over squares of patches, normed, into the language model's dimension. */
class Projector extends Module {
  mm_input_projection_weight: MxArray;
  mm_soft_emb_norm: OffsetRMSNorm;
  readonly #side: number; // patches along an image
  readonly #tokens: number; // tokens along an image

  constructor({ vision_config: v, text_config, mm_tokens_per_image }: Config) {
    super();
    this.mm_input_projection_weight = ones([v.hidden_size, text_config.hidden_size]);
    this.mm_soft_emb_norm = new OffsetRMSNorm(v.hidden_size, v.layer_norm_eps);
    this.#side = Math.floor(v.image_size / v.patch_size);
    this.#tokens = Math.floor(mm_tokens_per_image ** 0.5);
  }

  /** `[tiles, side ** 2, E] -> [tiles * tokens ** 2, E']` */
  forward(x: MxArray): MxArray {
    const [tiles, tokens] = [x.dim(0), this.#tokens];
    const size = Math.floor(this.#side / tokens);
    const squares = reshape(x, [tiles, tokens, size, tokens, size, -1]);
    const pooled = reshape(mean(squares, [2, 4]), [tiles * tokens * tokens, -1]);
    return matmul(this.mm_soft_emb_norm.forward(pooled), this.mm_input_projection_weight);
  }
}

class Gemma3 extends VisionLanguageModel {
  vision_tower: ClipTower;
  multi_modal_projector: Projector;
  readonly #scale: number;

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    this.vision_tower = new ClipTower(c.vision_config, SIGLIP);
    this.multi_modal_projector = new Projector(c);
    this.#scale = c.text_config.hidden_size ** -0.5; // the language model scales all its inputs up
  }

  override get seesWhole(): "images" {
    return "images";
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const patches = this.vision_tower.forward(imageTiles(arrays));
    const embeddings = this.multi_modal_projector.forward(patches); // [N, E]
    return { embeddings: embeddings.multiply(this.#scale) };
  }
}

const language = wrapText(text, /^(vision_tower|multi_modal_projector)\./, (textConfig, raw) => ({
  ...heads,
  ...textConfig,
  ...parseConfig(schema, raw).config,
}));

export const architecture = withVision(language, {
  config,
  weights: /^(model\.)?(vision_tower|multi_modal_projector)\./,
  create: (c, language_model) => new Gemma3(c, language_model),
  sanitize: fitTower,
});
