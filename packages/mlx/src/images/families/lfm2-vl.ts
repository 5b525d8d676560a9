/** LFM2-VL: packed patches of any size, or tiles and the whole. @see mlx-vlm 0.7.10 lfm2_vl/processing_lfm2_vl.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { sizeWithin } from "../patched-image.ts";
import { integers, tilesOf, writePatches } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { roundHalfEven } from "../python-numbers.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, inFloat32, sampleValues, valueKeys } from "../sample-values.ts";
import { count, filter, type ProcessorFiles, readImageSettings } from "../settings.ts";
import { closestGrid, fillsHalf, type Grid } from "../tile-grid.ts";

/** Tiles of a split picture. Checkpoints turn splitting off, left over from a processor that could not. */
const [MIN_TILES, MAX_TILES] = [2, 10];

export function lfm2Vl(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      resample: filter("bicubic"),
      downsample_factor: count.default(2),
      patch_size: count.default(16),
      encoder_patch_size: count.optional(),
      min_image_tokens: count.default(64),
      max_image_tokens: count.default(256),
      tile_size: count.default(512),
      max_pixels_tolerance: field.number.default(2),
    },
    files,
  );
  const values = sampleValues(s, inFloat32);
  const [patch, tile] = [s.encoder_patch_size ?? s.patch_size, s.tile_size];
  const factor = patch * s.downsample_factor;
  const [minPixels, maxPixels] = [s.min_image_tokens * factor ** 2, s.max_image_tokens * factor ** 2];
  const maxPatches = Math.max(s.max_image_tokens * s.downsample_factor ** 2, Math.floor(tile / patch) ** 2);
  const tokensOf = ({ width, height }: RgbImage): number => {
    const features = (side: number) => Math.ceil(Math.floor(side / patch) / s.downsample_factor);
    return features(width) * features(height);
  };
  const isLarge = ({ width, height }: RgbImage): boolean => {
    const rounded = (side: number) => Math.max(patch, roundHalfEven(side / factor) * factor);
    return rounded(width) * rounded(height) > maxPixels * s.max_pixels_tolerance;
  };
  const split = (image: RgbImage): { grid: Grid; tiles: RgbImage[] } => {
    const grid = closestGrid(image, MIN_TILES, MAX_TILES, fillsHalf(image, tile));
    const large = resample(image, grid.columns * tile, grid.rows * tile, s.resample);
    return { grid, tiles: tilesOf(large, tile, tile) };
  };
  const promptOf = (views: readonly RgbImage[], grid: Grid | undefined): string => {
    const texts = views.map((view, i) => {
      const tokens = "<image>".repeat(tokensOf(view));
      if (grid === undefined) return tokens;
      if (i === grid.rows * grid.columns) return `<|img_thumbnail|>${tokens}`;
      return `<|img_row_${Math.floor(i / grid.columns) + 1}_col_${(i % grid.columns) + 1}|>${tokens}`;
    });
    return `<|image_start|>${texts.join("")}<|image_end|>`;
  };
  return defineProcessor({
    placeholder: "<image>",
    process: (image) => {
      const { width, height } = sizeWithin(image, factor, minPixels, maxPixels, factor);
      const whole = resample(image, width, height, s.resample);
      const parts = isLarge(image) ? split(image) : undefined;
      const views = [...(parts?.tiles ?? []), whole];
      const length = patch * patch * 3;
      const data = new Float32Array(views.length * maxPatches * length); // zeros after a view's patches
      const mask = new Int32Array(views.length * maxPatches);
      views.forEach((view, i) => {
        const start = i * maxPatches;
        writePatches(view, patch, values, data.subarray(start * length, (start + maxPatches) * length));
        mask.fill(1, start, start + (view.width / patch) * (view.height / patch));
      });
      const shapes = views.flatMap((view) => [view.height / patch, view.width / patch]);
      return {
        arrays: {
          pixel_values: { data, shape: [views.length, maxPatches, length] },
          pixel_attention_mask: { data: mask, shape: [views.length, maxPatches] },
          spatial_shapes: integers(shapes, [views.length, 2]),
        },
        prompt: promptOf(views, parts?.grid),
        featureTokens: views.reduce((sum, view) => sum + tokensOf(view), 0),
      };
    },
  });
}
