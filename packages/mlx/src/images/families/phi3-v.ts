/** Phi-3 Vision: the whole, and tiles of 336 pixels. @see mlx-vlm 0.7.10 phi3_v/processing_phi3_v.py */
import type { ImageProcessor } from "../image-processor.ts";
import { integers, stackPlanes, tilesOf } from "../pixel-steps.ts";
import { defineProcessor, textContent } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CLIP, dividedThenFloat64, sampleValues, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings, tileCount } from "../settings.ts";

const TILE = 336;

/** What models know an image's place by; mlx-vlm numbers the images of a prompt, -1, -2 and so on. */
const IMAGE_TOKEN = -1;

/** Columns and rows of tiles: as many as `maxTiles` allows of the picture's aspect. */
function gridOf({ width, height }: RgbImage, maxTiles: number): { columns: number; rows: number } {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  const ratio = long / short;
  let scale = 1;
  while (scale * Math.ceil(scale / ratio) <= maxTiles) scale++;
  const across = scale - 1;
  const along = Math.ceil(Math.trunc((across * TILE) / ratio) / TILE);
  return width < height ? { columns: along, rows: across } : { columns: across, rows: along };
}

export function phi3V(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CLIP),
      num_crops: tileCount.default(4),
      num_img_tokens: count.default(144),
    },
    files,
  );
  const values = sampleValues(s, dividedThenFloat64);
  return defineProcessor({
    placeholder: "<|image|>",
    formatContent: textContent(""),
    process: (image) => {
      const { columns, rows } = gridOf(image, s.num_crops);
      const large = resample(image, columns * TILE, rows * TILE, "bicubic");
      const pictures = [resample(large, TILE, TILE, "bicubic"), ...tilesOf(large, TILE, TILE)];
      // a token ends each row of features, and one parts the tiles from the whole
      const featureTokens = (rows * columns + 1) * s.num_img_tokens + 1 + (rows + 1) * 12;
      return {
        arrays: {
          pixel_values: stackPlanes(pictures, values),
          image_sizes: integers([large.height, large.width], [2]),
        },
        prompt: Array<number>(featureTokens).fill(IMAGE_TOKEN),
        featureTokens,
      };
    },
  });
}
