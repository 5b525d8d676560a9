/** InternVL: a grid of tiles, and the whole. @see mlx-vlm 0.7.10 internvl_chat/processor.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { stackPlanes, tilesOf } from "../pixel-steps.ts";
import { defineProcessor, textContent } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import { dividedInFloat32, IMAGENET, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  type ProcessorFiles,
  readModelSettings,
  readPromptSettings,
  readSettings,
  tileCount,
} from "../settings.ts";
import { closestGrid } from "../tile-grid.ts";

const CONTEXT = "<IMG_CONTEXT>";

const tower = { image_size: count.default(448), patch_size: count.default(14) };

export function internvl(files: ProcessorFiles): ImageProcessor {
  const m = readModelSettings(
    {
      vision_config: field.object(tower).default({ image_size: 448, patch_size: 14 }),
      force_image_size: count.optional(),
      downsample_ratio: field.number.default(0.5),
      max_dynamic_patch: tileCount.default(12),
      min_dynamic_patch: tileCount.default(1),
      use_thumbnail: field.bool.default(true),
    },
    files,
  );
  const p = readPromptSettings(
    {
      image_size: count.default(m.force_image_size ?? m.vision_config.image_size),
      patch_size: count.default(m.vision_config.patch_size),
      downsample_ratio: field.number.default(m.downsample_ratio),
      num_image_token: count.optional(),
    },
    files,
  );
  // its values are not in its files
  const values = sampleValues(readSettings(valueKeys(IMAGENET), {}, ""), dividedInFloat32);
  const tile = p.image_size;
  const patches = Math.floor(tile / p.patch_size) ** 2;
  const tileTokens = p.num_image_token ?? Math.trunc(patches * p.downsample_ratio ** 2);
  return defineProcessor({
    placeholder: "<image>",
    featureToken: CONTEXT,
    formatContent: textContent("\n"),
    process: (image) => {
      const pixels = image.width * image.height;
      const { columns, rows } = closestGrid(
        image,
        m.min_dynamic_patch,
        m.max_dynamic_patch,
        (later, earlier) => {
          const distance = (grid: typeof later) => Math.abs(pixels - tile * tile * grid.columns * grid.rows);
          return distance(later) < distance(earlier);
        },
      );
      const pictures = tilesOf(resample(image, columns * tile, rows * tile, "bicubic"), tile, tile);
      if (m.use_thumbnail && pictures.length > 1) pictures.push(resample(image, tile, tile, "bicubic"));
      const featureTokens = tileTokens * pictures.length;
      return {
        arrays: { pixel_values: stackPlanes(pictures, values) },
        prompt: `<img>${CONTEXT.repeat(featureTokens)}</img>`,
        featureTokens,
      };
    },
  });
}
