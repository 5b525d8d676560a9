/**
 * LLaVA-NeXT and LLaVA-OneVision: the whole, and tiles of the best of a few resolutions.
 *
 * @see mlx-vlm 0.7.10 llava_next/processing_llava_next.py, llava_onevision/processing_llava_onevision.py
 */
import * as field from "../../models/config.ts";
import { bestResolution, coveredFeatures, limitFeatures, type Sides } from "../anyres.ts";
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
  const limit = (covered: Sides): Sides => limitFeatures(covered, maxTiles * side ** 2);
  const standard = { size: { height: 384, width: 384 }, pinpoints: ONEVISION_PINPOINTS };
  const counts = { side, whole: p.num_image_tokens - classToken, limit, token: p.image_token };
  return anyresProcessor(files, standard, () => counts);
}
