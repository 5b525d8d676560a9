/** FastVLM: FastViTHD's features through two layers into Qwen 2. @see mlx-vlm 0.7.10 models/fastvlm */
import { flatten, transpose } from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import {
  FastVitTower,
  fastVitConfig,
  GeluLayer,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, number, object, oneOf, parseConfig, record, string } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { architecture as qwen2 } from "./qwen2.ts";
import { drop, map, rename, whenPresent } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { withVision } from "./with-vision.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object({
    ...fastVitConfig,
    // of the image processor, or of what names a picture's class
    hidden_size: int.optional(),
    image_size: int.optional(),
    intermediate_size: int.optional(),
    patch_size: int.optional(),
    projection_dim: int.optional(),
  }).required(),
  text_config: object({ hidden_size: int.required() }).required(),
  /** A negative number, which no vocabulary has. */
  image_token_index: number.default(-200),
  mm_hidden_size: int.default(3072),
  mm_projector_type: oneOf("mlp2x_gelu").default("mlp2x_gelu"),
  mm_vision_tower: string.optional(),
};
type Config = Infer<typeof config>;

class FastVLM extends VisionLanguageModel {
  vision_tower: FastVitTower;
  mm_projector: [Linear, GeluLayer, Linear];

  constructor(c: Config, language_model: LanguageModel) {
    super(language_model, c.image_token_index);
    const E = c.text_config.hidden_size;
    this.vision_tower = new FastVitTower(c.vision_config);
    this.mm_projector = [new Linear(c.mm_hidden_size, E), new GeluLayer(), new Linear(E, E)];
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const pixels = transpose(imageTiles(arrays), [0, 2, 3, 1]);
    const features = flatten(this.vision_tower.forward(pixels), 0, 2); // [N, E]
    return { embeddings: this.mm_projector.reduce((h, layer) => layer.forward(h), features) };
  }
}

const SEEING = /^(model\.)?(vision_tower|mm_projector)\./;

/** Kernels as PyTorch has them, channels first. */
const moveChannels = [
  map(/(conv|lkb_reparam|fc[12]|reduce|expand)\.weight$/, [transposed(0, 2, 3, 1)]),
  map(/layer_scale(_\d)?$/, [transposed(1, 2, 0)]),
];

const seeing = withVision(
  wrapText(qwen2, SEEING, undefined, [rename(/^(?!language_model\.)/, "language_model.")]),
  {
    config,
    weights: SEEING,
    create: (c, language_model) => new FastVLM(c, language_model),
    sanitize: [
      drop(/\.head\.|num_batches_tracked$/),
      rename(/^model\./, ""),
      rename(/^vision_tower\.vision_tower\.model\./, "vision_tower.vision_model."),
      rename(/patch_embed\.(?=\d)/, "patch_embed.blocks."),
      whenPresent(/patch_embed\.blocks\.1\.reparam_conv\.weight$/, moveChannels, (shape) => shape[1] === 1),
    ],
  },
);

/** Keys of Apple's configs beside those of the language model: of what sees, of image processors, of training. */
const OTHERS = /^((|use_|tune_|freeze_|unfreeze_)mm_|image_|tokenizer_|vision_)/;

/** Apple's configs have the settings of the language model at their top, and none of the tower. */
export const architecture: Architecture = {
  bind: (raw) => {
    const { text_config = raw, vision_config = {} } = parseConfig(
      { text_config: record.optional(), vision_config: record.optional() },
      raw,
    ).config;
    const own = Object.entries(text_config).filter(([key]) => !OTHERS.test(key));
    const text: Raw = Object.fromEntries(own);
    return seeing.bind({ ...raw, text_config: text, vision_config });
  },
};
