/** Gemma 3: one square, and crops of long pictures. @see mlx-vlm 0.7.10 gemma3/processing_gemma3.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { crop, stackPlanes } from "../pixel-steps.ts";
import { defineProcessor, textContent } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  fixedSize,
  type ProcessorFiles,
  readImageSettings,
  readPromptSettings,
  size,
  tileCount,
} from "../settings.ts";

interface PanAndScan {
  readonly minCropSize: number;
  readonly maxCrops: number;
  readonly minRatio: number;
}

/** Crops side by side along the longer side; none of a picture that is near square or small. */
function cropsOf(image: RgbImage, { minCropSize, maxCrops, minRatio }: PanAndScan): RgbImage[] {
  const isWide = image.width >= image.height;
  const [long, short] = isWide ? [image.width, image.height] : [image.height, image.width];
  if (long / short < minRatio) return [];
  const wanted = Math.min(Math.floor(long / minCropSize), Math.floor(long / short + 0.5));
  const count = Math.min(maxCrops, Math.max(2, wanted));
  const length = Math.ceil(long / count);
  if (Math.min(length, short) < minCropSize) return [];
  return Array.from({ length: count }, (_, i) => {
    const start = i * length;
    const rest = Math.min(length, long - start);
    return isWide ? crop(image, start, 0, rest, short) : crop(image, 0, start, short, rest);
  });
}

export function gemma3(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      do_resize: field.bool.default(true),
      size: size("square", { height: 224, width: 224 }),
      resample: filter("bilinear"),
      do_pan_and_scan: field.bool.default(false),
      pan_and_scan_min_crop_size: count.default(256),
      pan_and_scan_max_num_crops: tileCount.default(4),
      pan_and_scan_min_ratio_to_activate: field.number.default(1.2),
    },
    files,
  );
  const { image_seq_length: length } = readPromptSettings({ image_seq_length: count.default(256) }, files);
  const values = sampleValues(s);
  const { width, height } = fixedSize(s.size, "size");
  const panAndScan = {
    minCropSize: s.pan_and_scan_min_crop_size,
    maxCrops: s.pan_and_scan_max_num_crops,
    minRatio: s.pan_and_scan_min_ratio_to_activate,
  };
  const one = `\n\n<start_of_image>${"<image_soft_token>".repeat(length)}<end_of_image>\n\n`;
  const several = (crops: number): string =>
    `Here is the original image ${one} and here are some crops to help you see better ${Array(crops).fill(one).join(" ")}`;
  return defineProcessor({
    placeholder: "<start_of_image>",
    formatContent: textContent(""),
    process: (image) => {
      const crops = s.do_pan_and_scan ? cropsOf(image, panAndScan) : [];
      const pictures = [image, ...crops].map((picture) => resample(picture, width, height, s.resample));
      return {
        arrays: { pixel_values: stackPlanes(pictures, values) },
        prompt: crops.length === 0 ? one : several(crops.length),
        featureTokens: length * pictures.length,
      };
    },
  });
}
