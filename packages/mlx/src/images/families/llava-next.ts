/**
 * LLaVA-NeXT and LLaVA-OneVision: the whole, and tiles of the best of a few resolutions.
 *
 * @see mlx-vlm 0.7.10 llava_next/processing_llava_next.py, llava_onevision/processing_llava_onevision.py
 */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { integers, pad, stackPlanes, tilesOf } from "../pixel-steps.ts";
import { defineProcessor } from "../prompt-format.ts";
import { type ResampleFilter, resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CLIP, sampleValues, valueKeys } from "../sample-values.ts";
import {
  count,
  filter,
  type ProcessorFiles,
  readImageSettings,
  readModelSettings,
  readPromptSettings,
  size,
} from "../settings.ts";
import { llavaTokens } from "./llava.ts";

interface Sides {
  readonly width: number;
  readonly height: number;
}

/** The resolution that keeps most of a picture's pixels, and of those the one that wastes least. */
function bestResolution({ width, height }: Sides, resolutions: readonly Sides[]): Sides {
  let best: Sides = { width, height };
  let [mostKept, leastWasted] = [0, Number.POSITIVE_INFINITY];
  for (const candidate of resolutions) {
    const scale = Math.min(candidate.width / width, candidate.height / height);
    const scaled = Math.trunc(width * scale) * Math.trunc(height * scale);
    const kept = Math.min(scaled, width * height);
    const wasted = candidate.width * candidate.height - kept;
    if (kept > mostKept || (kept === mostKept && wasted < leastWasted)) {
      best = candidate;
      [mostKept, leastWasted] = [kept, wasted];
    }
  }
  return best;
}

/** A picture scaled into the middle of a canvas. */
function fitInto(image: RgbImage, canvas: Sides, by: ResampleFilter): RgbImage {
  const [scaleX, scaleY] = [canvas.width / image.width, canvas.height / image.height];
  const width = scaleX < scaleY ? canvas.width : Math.min(Math.ceil(image.width * scaleY), canvas.width);
  const height = scaleX < scaleY ? Math.min(Math.ceil(image.height * scaleX), canvas.height) : canvas.height;
  return pad(resample(image, width, height, by), canvas.width, canvas.height, {
    left: Math.floor((canvas.width - width) / 2),
    top: Math.floor((canvas.height - height) / 2),
  });
}

/** A whole number that float noise just below it does not lower, as `int(round(x, 7))` of Python. */
const truncateRounded = (x: number): number => Math.trunc(Math.round(x * 1e7) / 1e7);

/** Rows and columns of features that a picture covers of a canvas. */
function coveredFeatures({ width, height }: Sides, canvas: Sides): Sides {
  const covered = (whole: number, part: number) => whole - Math.floor((whole - part) / 2) * 2;
  return width / height > canvas.width / canvas.height
    ? { ...canvas, height: covered(canvas.height, truncateRounded(height * (canvas.width / width))) }
    : { ...canvas, width: covered(canvas.width, truncateRounded(width * (canvas.height / height))) };
}

interface Anyres {
  /** Side of a tile's features. */
  readonly side: number;
  /** Features of the whole picture. */
  readonly whole: number;
  /** Makes fewer of what a picture covers. */
  readonly limit: (covered: Sides) => Sides;
  readonly token: string;
}

const pinpoint = field.list(count.required()).required();

/** The processor, whose features are counted as `anyres` says, given the side of a tile in pixels. */
function anyresProcessor(
  files: ProcessorFiles,
  standard: { size: Parameters<typeof size>[1]; pinpoints: readonly (readonly number[])[] },
  anyres: (tile: number) => Anyres,
): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CLIP),
      size: size("shortest edge", standard.size),
      crop_size: size("square", {}),
      resample: filter("bicubic"),
      image_grid_pinpoints: field.list(pinpoint).default(standard.pinpoints),
    },
    files,
  );
  const values = sampleValues(s);
  const resolutions = s.image_grid_pinpoints.map(([height = 0, width = 0]) => ({ width, height }));
  const side = s.size.height ?? s.size.shortest_edge ?? 0;
  const tile = s.crop_size.height ?? side;
  const counts = anyres(tile);
  return defineProcessor({
    placeholder: counts.token,
    process: (image) => {
      const canvas = bestResolution(image, resolutions);
      const tiles = tilesOf(fitInto(image, canvas, s.resample), tile, tile);
      const features = (pixels: number) => counts.side * Math.floor(pixels / tile);
      const grid = { width: features(canvas.width), height: features(canvas.height) };
      const { width, height } = counts.limit(coveredFeatures(image, grid));
      const featureTokens = counts.whole + width * height + height; // a token ends each row
      return {
        arrays: {
          pixel_values: stackPlanes([resample(image, side, side, s.resample), ...tiles], values),
          image_sizes: integers([image.height, image.width], [2]),
        },
        prompt: counts.token.repeat(featureTokens),
        featureTokens,
      };
    },
  });
}

const NEXT_PINPOINTS = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
];

export function llavaNext(files: ProcessorFiles): ImageProcessor {
  const tokens = llavaTokens(files);
  const classToken = tokens.vision_feature_select_strategy === "default" ? 1 : 0;
  const standard = { size: { shortest_edge: 224 }, pinpoints: NEXT_PINPOINTS };
  return anyresProcessor(files, standard, (tile) => {
    const side = Math.floor(tile / tokens.patch_size);
    return {
      side,
      whole: side * side + tokens.num_additional_image_tokens - classToken,
      limit: (covered) => covered,
      token: tokens.image_token,
    };
  });
}

/** Every canvas of 1 to 6 tiles in width and height. */
const ONEVISION_PINPOINTS = [1, 2, 3, 4, 5, 6].flatMap((rows) =>
  [1, 2, 3, 4, 5, 6].map((columns) => [rows * 384, columns * 384]),
);

export function llavaOnevision(files: ProcessorFiles): ImageProcessor {
  const p = readPromptSettings(
    {
      num_image_tokens: count.default(729),
      vision_feature_select_strategy: field.string.default("full"),
      image_token: field.string.default("<image>"),
    },
    files,
  );
  const m = readModelSettings({ vision_aspect_ratio: field.string.default("anyres_max_9") }, files);
  const side = Math.trunc(Math.sqrt(p.num_image_tokens));
  const maxTiles = Number(m.vision_aspect_ratio.replace("anyres_max_", ""));
  const classToken = p.vision_feature_select_strategy === "default" ? 1 : 0;
  const limit = (covered: Sides): Sides => {
    const ratio = Math.sqrt((covered.height * covered.width) / (maxTiles * side ** 2));
    if (ratio <= 1.1) return covered;
    return { width: Math.floor(covered.width / ratio), height: Math.floor(covered.height / ratio) };
  };
  const standard = { size: { height: 384, width: 384 }, pinpoints: ONEVISION_PINPOINTS };
  const counts = { side, whole: p.num_image_tokens - classToken, limit, token: p.image_token };
  return anyresProcessor(files, standard, () => counts);
}
