/** LLaVA 1.5: one square. @see mlx-vlm 0.7.10 llava/processing_llava.py */
import * as field from "../../models/config.ts";
import { CLIP_STEPS, fixedSizeSteps, SIGLIP_STEPS } from "../fixed-size.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { defineProcessor } from "../prompt-format.ts";
import {
  count,
  type ProcessorFiles,
  readImageSettings,
  readModelSettings,
  readPromptSettings,
} from "../settings.ts";
import { pixtral } from "./pixtral.ts";

const tower = {
  patch_size: count.default(14),
  model_type: field.string.default("clip_vision_model"),
};

/** What LLaVA's families say of their image tokens, in either file. */
export const llavaTokens = (files: ProcessorFiles) => {
  const { vision_config: vision, vision_feature_select_strategy: strategy } = readModelSettings(
    {
      vision_config: field.object(tower).default({ patch_size: 14, model_type: "clip_vision_model" }),
      vision_feature_select_strategy: field.string.default("default"),
    },
    files,
  );
  return readPromptSettings(
    {
      patch_size: count.default(vision.patch_size),
      vision_feature_select_strategy: field.string.default(strategy),
      // CLIP's class token, which early files don't mention
      num_additional_image_tokens: field.int.default(vision.model_type.startsWith("clip") ? 1 : 0),
      image_token: field.string.default("<image>"),
    },
    files,
  );
};

export function llava(files: ProcessorFiles): ImageProcessor {
  const { image_processor_type: type } = readImageSettings(
    { image_processor_type: field.string.default("CLIPImageProcessor") },
    files,
  );
  if (type.startsWith("Pixtral")) return pixtral(files); // some of its checkpoints go by LLaVA's name
  const steps = fixedSizeSteps(files, type.startsWith("Siglip") ? SIGLIP_STEPS : CLIP_STEPS);
  const tokens = llavaTokens(files);
  const classToken = tokens.vision_feature_select_strategy === "default" ? 1 : 0;
  return defineProcessor({
    placeholder: tokens.image_token,
    process: (image) => {
      const pixel_values = steps(image);
      const [, , height = 0, width = 0] = pixel_values.shape;
      const patches = Math.floor(height / tokens.patch_size) * Math.floor(width / tokens.patch_size);
      const featureTokens = patches + tokens.num_additional_image_tokens - classToken;
      return { arrays: { pixel_values }, prompt: tokens.image_token.repeat(featureTokens), featureTokens };
    },
  });
}
