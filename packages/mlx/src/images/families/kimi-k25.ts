/** Kimi K2.5: any size in whole squares of patches, black beyond it. @see mlx-vlm 0.7.10 kimi_k25/processing_kimi_k25.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { patchesOf } from "../patched-image.ts";
import { crop, integers } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, dividedInFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings, readSettings } from "../settings.ts";

const schema = {
  ...valueKeys(CENTERED),
  patch_size: count.default(14),
  /** Patches of a picture, and along a side. */
  in_patch_limit: count.default(16384),
  patch_limit_on_one_side: count.default(512),
  merge_kernel_size: field.oneOrList(count.required()).default([2, 2]),
};

export function kimiK25(files: ProcessorFiles): ImageProcessor {
  const { media_proc_cfg } = readImageSettings({ media_proc_cfg: field.record.default({}) }, files);
  const s = readSettings(schema, media_proc_cfg, "preprocessor_config.json");
  const values = sampleValues(s, dividedInFloat32);
  const [mergeRows = 2, mergeColumns = mergeRows] = [s.merge_kernel_size].flat();
  const patch = s.patch_size;
  const longest = s.patch_limit_on_one_side * patch;
  const shrink = (image: RgbImage): RgbImage => {
    const along = (side: number) => Math.max(1, Math.floor(side / patch));
    const byPatches = Math.sqrt(s.in_patch_limit / (along(image.width) * along(image.height)));
    const scale = Math.min(1, byPatches, longest / image.width, longest / image.height);
    const scaled = (side: number) => Math.min(Math.max(1, Math.trunc(side * scale)), longest);
    return resample(image, scaled(image.width), scaled(image.height), "bicubic");
  };
  return defineProcessor({
    placeholder: "<|media_pad|>",
    process: (image) => {
      const shrunk = shrink(image);
      const whole = (side: number, merge: number) => Math.ceil(side / (merge * patch)) * merge * patch;
      const picture = crop(shrunk, 0, 0, whole(shrunk.width, mergeColumns), whole(shrunk.height, mergeRows));
      const [rows, columns] = [picture.height / patch, picture.width / patch];
      const { data } = patchesOf(picture, { patch, merge: 1, frames: 1 }, values);
      const featureTokens = (rows * columns) / (mergeRows * mergeColumns);
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
