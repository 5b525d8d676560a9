/**
 * GLM-4V and GLM-OCR: any size in whole patches.
 *
 * @see transformers 5.23 glm4v/image_processing_pil_glm4v.py, mlx-vlm 0.7.10 glm_ocr/processing.py
 */
import type { ImageProcessor } from "../image-processor.ts";
import { checkAspect, patchedImage, sizeWithin } from "../patched-image.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import { asTransformers, CLIP, inFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings, size } from "../settings.ts";

const glm =
  (arithmetic: typeof inFloat32, maxPixels: number) =>
  (files: ProcessorFiles): ImageProcessor => {
    const s = readImageSettings(
      {
        ...valueKeys(CLIP),
        patch_size: count.default(14),
        temporal_patch_size: count.default(2),
        merge_size: count.default(2),
        size: size("square", {}),
      },
      files,
    );
    const { shortest_edge: least = 112 * 112, longest_edge: most = maxPixels } = s.size;
    const grid = { patch: s.patch_size, merge: s.merge_size, frames: s.temporal_patch_size };
    const factor = grid.patch * grid.merge;
    const values = sampleValues(s, arithmetic);
    return defineProcessor({
      placeholder: "<|image|>",
      process: (image) => {
        // a side shorter than a square of patches is counted as one
        const scale = Math.max(factor / image.width, factor / image.height, 1);
        const counted = {
          width: Math.trunc(image.width * scale),
          height: Math.trunc(image.height * scale),
        };
        checkAspect(counted);
        // limits are of pixels in all frames
        const { width, height } = sizeWithin(counted, factor, least / grid.frames, most / grid.frames);
        return patchedImage(resample(image, width, height, "bicubic"), grid, values, "<|image|>");
      },
    });
  };

export const glm4v = glm(asTransformers, 28 * 28 * 15000);
export const glmOcr = glm(inFloat32, 14 * 14 * 2 * 2 * 2 * 6144);
