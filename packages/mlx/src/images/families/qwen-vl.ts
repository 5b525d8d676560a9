/** Qwen2-VL and its successors: any size in whole patches. @see mlx-vlm 0.7.10 qwen3_vl/processing_qwen3_vl.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { checkAspect, patchedImage, sizeWithin } from "../patched-image.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import { CENTERED, inFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings, size } from "../settings.ts";

/** @param patchSize - of the family, where the settings say nothing */
const qwenVl =
  (patchSize: number) =>
  (files: ProcessorFiles): ImageProcessor => {
    const s = readImageSettings(
      {
        ...valueKeys(CENTERED),
        patch_size: count.default(patchSize),
        temporal_patch_size: count.default(2),
        merge_size: count.default(2),
        size: size("square", {}),
        min_pixels: field.int.optional(),
        max_pixels: field.int.optional(),
      },
      files,
    );
    const minPixels = s.min_pixels ?? s.size.shortest_edge ?? 56 * 56;
    const maxPixels = s.max_pixels ?? s.size.longest_edge ?? 14 * 14 * 4 * 1280;
    const grid = { patch: s.patch_size, merge: s.merge_size, frames: s.temporal_patch_size };
    const values = sampleValues(s, inFloat32);
    return defineProcessor({
      placeholder: "<|image_pad|>",
      process: (image) => {
        checkAspect(image);
        const { width, height } = sizeWithin(image, grid.patch * grid.merge, minPixels, maxPixels);
        return patchedImage(resample(image, width, height, "bicubic"), grid, values, "<|image_pad|>");
      },
    });
  };

export const qwen2Vl = qwenVl(14);
export const qwen3Vl = qwenVl(16);
