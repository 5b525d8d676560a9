/** LLaVA-OneVision: SigLIP's tower over tiles, whose features are limited in number. @see mlx-vlm 0.7.10 models/llava_onevision */
import { limitFeatures } from "../images/anyres.ts";
import { int, number, object, oneOf, oneOrList, string } from "./config.ts";
import { llavaTower } from "./llava.ts";
import { drop } from "./sanitize-rules.ts";
import { LLAVA_NEXT, llavaNextConfig, seeAsLlavaNext } from "./see-as-llava-next.ts";
import { wrapByType } from "./wrap-by-type.ts";

const config = {
  ...llavaNextConfig,
  vision_config: object({
    ...llavaTower,
    model_type: oneOf("clip_vision_model", "siglip_vision_model").default("siglip_vision_model"),
    hidden_size: int.default(1152),
    num_hidden_layers: int.default(26),
    intermediate_size: int.default(4304),
    image_size: int.default(384),
    layer_norm_eps: number.default(1e-6),
    vision_use_head: oneOf(false).optional(),
  }).required(),
  image_token_index: int.default(151646),
  vision_feature_layer: oneOrList(number.required()).default(-1),
  vision_feature_select_strategy: oneOf("default", "full").default("full"),
  /** `anyres_max_` and how many tiles' features a picture may cover. */
  vision_aspect_ratio: string.default("anyres_max_9"),
};

/** Qwen 2, of which configs leave these out. */
const QWEN2 = { rms_norm_eps: 1e-6, vocab_size: 151936 };

const text = wrapByType(QWEN2, [drop(LLAVA_NEXT)]);

export const architecture = seeAsLlavaNext(text, config, ({ vision_aspect_ratio }) => {
  const tiles = Number(vision_aspect_ratio.replace("anyres_max_", ""));
  return (covered, side) => limitFeatures(covered, tiles * side ** 2);
});
