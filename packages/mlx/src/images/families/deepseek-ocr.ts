/** DeepSeek-OCR: the whole, and tiles of large pictures. @see mlx-vlm 0.7.10 deepseekocr/processing_deepseekocr.py */
import type { ImageProcessor } from "../image-processor.ts";
import { integers, pad, stackPlanes, tilesOf } from "../pixel-steps.ts";
import { defineProcessor, joinTexts, placeImages, textContent } from "../prompt-format.ts";
import { roundHalfEven } from "../python-numbers.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, dividedToBfloat16, sampleValues, valueKeys } from "../sample-values.ts";
import { type ProcessorFiles, readSettings } from "../settings.ts";
import { closestGrid, fillsHalf } from "../tile-grid.ts";

/** Side of the whole, and of a tile; larger pictures than a tile are split. */
const [WHOLE, TILE] = [1024, 640];
/** Pixels of a side for which there is one feature. */
const FEATURE = 64;
const [MIN_TILES, MAX_TILES] = [2, 9];
const GREY = [127, 127, 127];

/** A picture scaled into the middle of a square. */
function fitSquare(image: RgbImage, side: number): RgbImage {
  const scaled = (part: number, whole: number) => roundHalfEven((part / whole) * side);
  const width = image.width < image.height ? scaled(image.width, image.height) : side;
  const height = image.width > image.height ? scaled(image.height, image.width) : side;
  return pad(resample(image, Math.max(width, 1), Math.max(height, 1), "bicubic"), side, side, {
    left: roundHalfEven((side - Math.max(width, 1)) * 0.5),
    top: roundHalfEven((side - Math.max(height, 1)) * 0.5),
    color: GREY,
  });
}

/** Begin of sequence. */
const BEGIN = 0;

export function deepseekOcr(_files: ProcessorFiles): ImageProcessor {
  // its values are not in its files
  const values = sampleValues(readSettings(valueKeys(CENTERED), {}, ""), dividedToBfloat16);
  const [wholeSide, tileSide] = [WHOLE / FEATURE, TILE / FEATURE];
  return defineProcessor({
    placeholder: "<image>",
    featureToken: "<image>",
    formatContent: textContent("\n"),
    process: (image) => {
      const isLarge = image.width > TILE || image.height > TILE;
      const grid = isLarge
        ? closestGrid(image, MIN_TILES, MAX_TILES, fillsHalf(image, TILE))
        : { columns: 1, rows: 1 };
      const { columns, rows } = grid;
      const tiles = isLarge
        ? tilesOf(resample(image, columns * TILE, rows * TILE, "bicubic"), TILE, TILE)
        : [];
      // a token ends each row of features, and one the whole
      const ofWhole = (wholeSide + 1) * wholeSide + 1;
      const ofTiles = isLarge ? (tileSide * columns + 1) * tileSide * rows : 0;
      return {
        arrays: {
          pixel_values: stackPlanes([fitSquare(image, WHOLE)], values),
          ...(isLarge ? { image_tiles: stackPlanes(tiles, values) } : {}),
          images_spatial_crop: integers([columns, rows], [2]),
        },
        prompt: "<image>".repeat(ofWhole + ofTiles),
        featureTokens: ofWhole + ofTiles,
      };
    },
    expandPrompt: (prompt, images) => joinTexts([[BEGIN], ...placeImages(prompt, "<image>", images)]),
  });
}
