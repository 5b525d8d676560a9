/**
 * How GLM 4.1V and 4.5V see: by a tower whose positions are stretched over images. As in transformers, that is done
 * bicubically, what is at the table's edge being beyond it, and all norms of the tower have the config's epsilon; mlx-vlm
 * goes linearly, to nothing beyond the edge, and its blocks have 1e-6.
 *
 * @see mlx-vlm 0.7.10 models/glm4v, models/glm4v_moe
 */
import { GlmTower, GridVisionModel } from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, number, object, oneOf } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { fitGlmTower, QWEN_TOWER } from "./sanitize-tower.ts";
import { withVision } from "./with-vision.ts";

const config = {
  vision_config: object({
    depth: int.default(24),
    hidden_size: int.default(1536),
    intermediate_size: int.default(13696),
    out_hidden_size: int.default(4096),
    num_heads: int.default(12),
    in_channels: int.default(3),
    image_size: int.default(336),
    patch_size: int.default(14),
    spatial_merge_size: int.default(2),
    temporal_patch_size: int.default(2),
    rms_norm_eps: number.default(1e-5),
    attention_bias: oneOf(false).optional(),
    hidden_act: oneOf("silu").optional(),
  }).required(),
  image_token_id: int.default(151363),
};
type Config = Infer<typeof config>;

const create = (
  { vision_config: c, image_token_id }: Config,
  language_model: LanguageModel,
): GridVisionModel => {
  const tower = new GlmTower({
    ...c,
    bias: false,
    hasHeadNorms: false,
    blockWidth: c.out_hidden_size,
    mergerWidth: c.intermediate_size,
    tableSide: Math.floor(c.image_size / c.patch_size),
  });
  return new GridVisionModel(language_model, image_token_id, tower, c.spatial_merge_size);
};

/** An architecture that sees as GLM 4.1V where a checkpoint has the tower; else it is of text alone. */
export const seeAsGlm4v = (text: Architecture): Architecture =>
  withVision(text, { config, weights: QWEN_TOWER, create, sanitize: fitGlmTower });
