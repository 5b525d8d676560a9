/** Idefics 3 and SmolVLM: tiles and the whole. @see mlx-vlm 0.7.10 idefics3/processing_idefics3.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { stackPlanes, tilesOf } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CENTERED, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  type ProcessorFiles,
  readImageSettings,
  readPromptSettings,
  size,
} from "../settings.ts";

/** Whatever the settings say, no side becomes longer. */
const MAX_SIDE = 4096;

interface Sides {
  readonly width: number;
  readonly height: number;
}

/** The longer side at `longest`, the other one even. */
function toLongest({ width, height }: Sides, longest: number): Sides {
  const aspect = width / height;
  const even = (side: number) => Math.max(side + (side % 2), 1);
  return width >= height
    ? { width: longest, height: even(Math.trunc(longest / aspect)) }
    : { width: even(Math.trunc(longest * aspect)), height: longest };
}

function below({ width, height }: Sides, longest: number): Sides {
  const aspect = width / height;
  if (width >= height && width > longest) {
    return { width: longest, height: Math.max(Math.trunc(longest / aspect), 1) };
  }
  if (height > width && height > longest) {
    return { width: Math.max(Math.trunc(longest * aspect), 1), height: longest };
  }
  return { width, height };
}

/** Both sides as multiples of a tile's. */
function toTiles({ width, height }: Sides, tile: number): Sides {
  const aspect = width / height;
  const up = (side: number) => Math.ceil(side / tile) * tile;
  return width >= height
    ? { width: up(width), height: up(Math.trunc(up(width) / aspect)) }
    : { width: up(Math.trunc(up(height) * aspect)), height: up(height) };
}

const AROUND = "<fake_token_around_image>";

function promptOf(rows: number, columns: number, tokens: string): string {
  let tiles = "";
  for (let row = 1; row <= rows; row++) {
    for (let column = 1; column <= columns; column++) tiles += `${AROUND}<row_${row}_col_${column}>${tokens}`;
    tiles += "\n";
  }
  const whole = `${AROUND}<global-img>${tokens}${AROUND}`;
  return tiles === "" ? whole : `${tiles}\n${whole}`;
}

export function idefics3(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CENTERED),
      do_resize: field.bool.default(true),
      size: size("square", { longest_edge: 4 * 364 }),
      max_image_size: size("square", { longest_edge: 364 }),
      resample: filter("lanczos"),
      do_image_splitting: field.bool.default(true),
    },
    files,
  );
  const { image_seq_len: length } = readPromptSettings({ image_seq_len: count.default(169) }, files);
  const values = sampleValues(s);
  const tile = s.max_image_size.longest_edge ?? 364;
  const scale = (image: RgbImage, { width, height }: Sides) => resample(image, width, height, s.resample);
  const target = (image: RgbImage): Sides => {
    const { width, height, longest_edge: longest } = s.size;
    if (longest !== undefined) return below(toLongest(image, longest), MAX_SIDE);
    return { width: width ?? image.width, height: height ?? image.height };
  };
  const square = { width: tile, height: tile };
  return defineProcessor({
    placeholder: "<image>",
    process: (image) => {
      const resized = s.do_resize ? scale(image, target(image)) : image;
      const whole = s.do_image_splitting ? scale(resized, toTiles(resized, tile)) : resized;
      const isSplit = s.do_image_splitting && (whole.width > tile || whole.height > tile);
      const tiles = isSplit ? tilesOf(whole, tile, tile) : [];
      const pictures = [...tiles, scale(whole, square)];
      const [rows, columns] = isSplit ? [whole.height / tile, whole.width / tile] : [0, 0];
      return {
        arrays: { pixel_values: stackPlanes(pictures, values) },
        prompt: promptOf(rows, columns, "<image>".repeat(length)),
        featureTokens: length * pictures.length,
      };
    },
  });
}
