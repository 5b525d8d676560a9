/** Llama 3.2 Vision: a canvas of tiles, read by cross-attention. @see mlx-vlm 0.7.10 mllama/processing_mllama.py */
import type { ImageProcessor } from "../image-processor.ts";
import { integers, pad, tilesOf, writePlanes } from "../pixel-steps.ts";
import { defineProcessor, joinTexts, placeImages } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, sampleValues, valueKeys } from "../sample-values.ts";
import { filter, fixedSize, type ProcessorFiles, readImageSettings, size, tileCount } from "../settings.ts";

interface Canvas {
  readonly rows: number;
  readonly columns: number;
}

/** Every canvas of at most `max` tiles; a canvas' place in the list, from 1, is its id. */
const canvasesOf = (max: number): Canvas[] => {
  const counts = Array.from({ length: max }, (_, i) => i + 1);
  return counts.flatMap((rows) =>
    counts.filter((columns) => rows * columns <= max).map((columns) => ({ rows, columns })),
  );
};

/** The canvas that enlarges a picture least, or else shrinks it least; of equals the smallest. */
function bestCanvas({ width, height }: RgbImage, canvases: readonly Canvas[], tile: number): Canvas {
  const scaleOf = ({ rows, columns }: Canvas) => Math.min((rows * tile) / height, (columns * tile) / width);
  const scales = canvases.map(scaleOf);
  const enlarging = scales.filter((scale) => scale >= 1);
  const chosen = enlarging.length > 0 ? Math.min(...enlarging) : Math.max(...scales);
  const equals = canvases.filter((_, i) => scales[i] === chosen);
  return equals.reduce((best, next) => (next.rows * next.columns < best.rows * best.columns ? next : best));
}

/** Width and height inside a canvas; no side is shorter than a tile's unless the aspect demands it. */
function fit({ width, height }: RgbImage, { rows, columns }: Canvas, tile: number): [number, number] {
  const clip = (side: number, tiles: number) => Math.min(Math.max(side, tile), tiles * tile);
  const [toWidth, toHeight] = [clip(width, columns), clip(height, rows)];
  const [scaleX, scaleY] = [toWidth / width, toHeight / height];
  return scaleX < scaleY
    ? [toWidth, Math.min(Math.floor(height * scaleX) || 1, toHeight)]
    : [Math.min(Math.floor(width * scaleY) || 1, toWidth), toHeight];
}

const BEGIN = "<|begin_of_text|>";

export function mllama(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      size: size("square", { height: 224, width: 224 }),
      resample: filter("bilinear"),
      max_image_tiles: tileCount.default(4),
    },
    files,
  );
  const values = sampleValues(s);
  const { height: tile } = fixedSize(s.size, "size");
  const max = s.max_image_tiles;
  const canvases = canvasesOf(max);
  return defineProcessor({
    placeholder: "<|image|>",
    process: (image) => {
      const canvas = bestCanvas(image, canvases, tile);
      const scaled = resample(image, ...fit(image, canvas, tile), s.resample);
      const tiles = tilesOf(pad(scaled, canvas.columns * tile, canvas.rows * tile), tile, tile);
      const area = 3 * tile * tile;
      const data = new Float32Array(max * area); // zeros where there is no tile
      tiles.forEach((picture, i) => {
        writePlanes(picture, values, data, i * area);
      });
      const mask = Array.from({ length: max }, (_, i) => (i < tiles.length ? 1 : 0));
      return {
        arrays: {
          pixel_values: { data, shape: [max, 3, tile, tile] },
          aspect_ratio_ids: integers([canvases.indexOf(canvas) + 1], [1]),
          aspect_ratio_mask: integers(mask, [max]),
        },
        prompt: "<|image|>",
        featureTokens: 0,
      };
    },
    expandPrompt: (prompt, images) => {
      const text = joinTexts(placeImages(prompt, "<|image|>", images)).join("");
      if (text.includes(BEGIN)) return [text];
      return [text.replace(/^(<\|image\|>)*/, (first) => first + BEGIN)];
    },
  });
}
