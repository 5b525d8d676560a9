/** Pixtral and Mistral 3: any size in whole patches, by rows. @see mlx-vlm 0.7.10 pixtral/image_processing_pixtral.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { integers, stackPlanes } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CLIP, inFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  type ProcessorFiles,
  readImageSettings,
  readModelSettings,
  readPromptSettings,
  size,
} from "../settings.ts";

/** The picture's own size, or within `maxHeight` and `maxWidth`, in whole patches. */
function patchedSize({ width, height }: RgbImage, maxHeight: number, maxWidth: number, patch: number) {
  const ratio = Math.max(height / maxHeight, width / maxWidth);
  const fit = (side: number) => (ratio > 1 ? Math.floor(side / ratio) : side);
  const patches = (side: number) => Math.floor((fit(side) - 1) / patch) + 1;
  return { rows: patches(height), columns: patches(width) };
}

export function pixtral(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CLIP),
      do_resize: field.bool.default(true),
      size: size("square", { longest_edge: 1024 }),
      resample: filter("bicubic"),
    },
    files,
  );
  const p = readPromptSettings(
    {
      patch_size: count.default(16),
      spatial_merge_size: count.default(1),
      image_token: field.string.default("[IMG]"),
      image_break_token: field.string.default("[IMG_BREAK]"),
      image_end_token: field.string.default("[IMG_END]"),
    },
    files,
  );
  const m = readModelSettings(
    {
      vision_config: field.object({ patch_size: count.default(p.patch_size) }).optional(),
      spatial_merge_size: count.default(p.spatial_merge_size),
    },
    files,
  );
  const patch = (m.vision_config?.patch_size ?? p.patch_size) * m.spatial_merge_size;
  const values = sampleValues(s, inFloat32);
  const { longest_edge: longest, height: maxHeight = 1024, width: maxWidth = 1024 } = s.size;
  return defineProcessor({
    placeholder: p.image_token,
    process: (image) => {
      const { rows, columns } = patchedSize(image, longest ?? maxHeight, longest ?? maxWidth, patch);
      const [height, width] = [rows * patch, columns * patch];
      const picture = resample(image, width, height, s.resample);
      const row = p.image_token.repeat(columns);
      return {
        arrays: {
          pixel_values: stackPlanes([picture], values),
          image_sizes: integers([height, width], [2]),
        },
        prompt: Array(rows).fill(row).join(p.image_break_token) + p.image_end_token,
        featureTokens: rows * columns,
      };
    },
  });
}
