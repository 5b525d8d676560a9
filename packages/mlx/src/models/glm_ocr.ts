/** GLM-OCR: a small GLM 4 whose tower norms heads and has no learned positions. @see mlx-vlm 0.7.10 models/glm_ocr */
import { GlmTower, GridVisionModel } from "../vision/index.ts";
import { bool, type Infer, int, number, object, oneOf } from "./config.ts";
import { architecture as glm4 } from "./glm4.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitGlmTower, QWEN_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";
import { wrapGlm } from "./wrap-glm.ts";

const config = {
  vision_config: object({
    depth: int.default(24),
    hidden_size: int.default(1024),
    intermediate_size: int.default(4096),
    out_hidden_size: int.default(1536),
    num_heads: int.default(16),
    in_channels: int.default(3),
    image_size: int.optional(), // images may have any
    patch_size: int.default(14),
    spatial_merge_size: int.default(2),
    temporal_patch_size: int.default(2),
    rms_norm_eps: number.default(1e-5),
    attention_bias: bool.default(true),
    hidden_act: oneOf("silu").optional(),
    hidden_dropout_prob: number.optional(), // of training
  }).required(),
  image_token_id: int.default(59280),
};
type Config = Infer<typeof config>;

const create = (
  { vision_config: c, image_token_id }: Config,
  language_model: LanguageModel,
): GridVisionModel => {
  const tower = new GlmTower({
    ...c,
    bias: c.attention_bias,
    hasHeadNorms: true,
    blockWidth: c.intermediate_size,
    mergerWidth: c.out_hidden_size * c.in_channels,
  });
  return new GridVisionModel(language_model, image_token_id, tower, c.spatial_merge_size);
};

const text = wrapGlm(glm4, { attention_bias: false, partial_rotary_factor: 1, mrope_section: [16, 24, 24] });

export const architecture = withVision(text, {
  config,
  weights: QWEN_TOWER,
  create,
  sanitize: fitGlmTower,
});
