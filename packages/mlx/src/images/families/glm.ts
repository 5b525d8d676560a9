/**
 * GLM-4V and GLM-OCR: any size in whole patches.
 *
 * @see transformers 5.23 glm4v/image_processing_pil_glm4v.py, mlx-vlm 0.7.10 glm_ocr/processing.py
 */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import {
  asTransformers,
  CLIP,
  inFloat32,
  type ProcessorFiles,
  readImageSettings,
  sampleValues,
  size,
  valueKeys,
} from "../settings.ts";
import { checkAspect, patchedImage, sizeWithin } from "./qwen-vl.ts";

const glm =
  (arithmetic: typeof inFloat32, maxPixels: number) =>
  (files: ProcessorFiles): ImageProcessor => {
    const s = readImageSettings(
      {
        ...valueKeys(CLIP),
        patch_size: field.int.default(14),
        temporal_patch_size: field.int.default(2),
        merge_size: field.int.default(2),
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
