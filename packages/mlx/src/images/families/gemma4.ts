/** Gemma 4: as many pixels as the tokens allow, in the picture's own aspect. @see mlx-vlm 0.7.10 gemma4/processing_gemma4.py */
import { ImageError } from "../../errors.ts";
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { stackPlanes } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, inFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings } from "../settings.ts";

/** Sides as multiples of `unit`, the pixels of one token, with at most `maxTokens` tokens. */
function sizeOf(image: RgbImage, unit: number, maxTokens: number): { width: number; height: number } {
  const scale = Math.sqrt((maxTokens * unit ** 2) / (image.height * image.width));
  const units = (side: number) => Math.floor((scale * side) / unit);
  const [columns, rows] = [units(image.width), units(image.height)];
  if (columns === 0 && rows === 0) {
    throw new ImageError(`The image of ${image.width}x${image.height} pixels has no room for a token`);
  }
  const along = (long: number, short: number) => Math.min(Math.floor(long / short), maxTokens);
  return {
    width: (rows === 0 ? along(image.width, image.height) : Math.max(columns, 1)) * unit,
    height: (columns === 0 ? along(image.height, image.width) : Math.max(rows, 1)) * unit,
  };
}

export function gemma4(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      do_normalize: field.bool.default(false),
      do_resize: field.bool.default(true),
      patch_size: count.default(16),
      max_soft_tokens: count.default(280),
      pooling_kernel_size: count.default(3),
    },
    files,
  );
  const values = sampleValues(s, inFloat32);
  const { patch_size: patch, pooling_kernel_size: pooling } = s;
  return defineProcessor({
    placeholder: "<|image|>",
    process: (image) => {
      const { width, height } = s.do_resize ? sizeOf(image, patch * pooling, s.max_soft_tokens) : image;
      const patches = Math.floor(width / patch) * Math.floor(height / patch);
      const featureTokens = Math.floor(patches / pooling ** 2);
      return {
        arrays: { pixel_values: stackPlanes([resample(image, width, height, "bicubic")], values) },
        prompt: `<|image>${"<|image|>".repeat(featureTokens)}<image|>`,
        featureTokens,
      };
    },
  });
}
