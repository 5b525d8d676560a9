/** Kimi-VL: any size in whole patches, what is over cut off. @see mlx-vlm 0.7.10 kimi_vl/processing_kimi_vl.py */
import { ImageError } from "../../errors.ts";
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { patchesOf } from "../patched-image.ts";
import { centerCrop, crop, integers } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CLIP, dividedInFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings } from "../settings.ts";

/** Positions that the tower knows in each direction. */
const MAX_PATCHES = 512;

export function kimiVl(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CLIP),
      patch_size: count.default(14),
      pad_input: field.bool.default(false),
      in_token_limit: count.default(4096),
      merge_kernel_size: field.list(count.required()).default([2, 2]),
    },
    files,
  );
  const values = sampleValues(s, dividedInFloat32);
  const [mergeRows = 2, mergeColumns = 2] = s.merge_kernel_size;
  const patch = s.patch_size;
  const shrink = (image: RgbImage): RgbImage => {
    const patches = Math.floor(image.width / patch) * Math.floor(image.height / patch);
    if (patches <= s.in_token_limit) return image;
    const scale = Math.sqrt(s.in_token_limit / patches);
    return resample(image, Math.trunc(image.width * scale), Math.trunc(image.height * scale), "bicubic");
  };
  const toSquares = (image: RgbImage): RgbImage => {
    const round = s.pad_input ? Math.ceil : Math.floor;
    const [acrossEach, downEach] = [mergeColumns * patch, mergeRows * patch];
    const width = round(image.width / acrossEach) * acrossEach;
    const height = round(image.height / downEach) * downEach;
    return s.pad_input ? crop(image, 0, 0, width, height) : centerCrop(image, width, height);
  };
  return defineProcessor({
    placeholder: "<|media_pad|>",
    process: (image) => {
      const picture = toSquares(shrink(image));
      const [rows, columns] = [picture.height / patch, picture.width / patch];
      if (rows === 0 || columns === 0 || Math.max(rows, columns) >= MAX_PATCHES) {
        throw new ImageError(
          `The image of ${image.width}x${image.height} pixels is too small or too narrow for this model`,
        );
      }
      const { data } = patchesOf(picture, { patch, merge: 1, frames: 1 }, values);
      const featureTokens = Math.floor((rows * columns) / (mergeRows * mergeColumns));
      return {
        arrays: {
          pixel_values: { data, shape: [rows * columns, 3, patch, patch] },
          image_grid_hws: integers([rows, columns], [2]),
        },
        prompt: "<|media_pad|>".repeat(featureTokens),
        featureTokens,
      };
    },
  });
}
