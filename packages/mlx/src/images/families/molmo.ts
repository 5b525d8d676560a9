/** Molmo: the whole, and crops that overlap. @see mlx-vlm 0.7.10 molmo/processing_molmo.py */
import * as field from "../../models/config.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { crop, integers, writePatches } from "../pixel-steps.ts";
import { defineProcessor, imagesFirst, joinTexts, textContent } from "../prompt-format.ts";
import { resample } from "../resample.ts";
import type { RgbImage } from "../rgb-image.ts";
import { CLIP, dividedInFloat32, sampleValues, truncatedSamples, valueKeys } from "../sample-values.ts";
import { count, type ProcessorFiles, readImageSettings, tileCount } from "../settings.ts";

const { fround } = Math;

/** A picture scaled into the middle of a black canvas, and where it lies there. */
interface Placed {
  readonly canvas: RgbImage;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function place(image: RgbImage, canvasWidth: number, canvasHeight: number): Placed {
  const scale = Math.min(fround(canvasWidth / image.width), fround(canvasHeight / image.height));
  const width = Math.trunc(fround(image.width * scale));
  const height = Math.trunc(fround(image.height * scale));
  const left = Math.floor((canvasWidth - width) / 2);
  const top = Math.floor((canvasHeight - height) / 2);
  const scaled = resample(image, width, height, "bilinear");
  return { canvas: crop(scaled, -left, -top, canvasWidth, canvasHeight), left, top, width, height };
}

/** Rows and columns of crops, which enlarge a picture least, or else shrink it least. */
function gridOf(width: number, height: number, window: number, maxCrops: number): [number, number] {
  const grids: [number, number][] = [];
  for (let rows = 1; rows <= maxCrops; rows++) {
    for (let columns = 1; rows * columns <= maxCrops; columns++) grids.push([rows, columns]);
  }
  grids.sort((a, b) => a[0] * a[1] - b[0] * b[1] || a[0] - b[0]);
  const scales = grids.map(([rows, columns]) =>
    Math.min(fround((rows * window) / height), fround((columns * window) / width)),
  );
  const enlarging = scales.map((scale) => (scale < 1 ? 10e9 : scale));
  const best = scales.every((scale) => scale < 1)
    ? scales.indexOf(Math.max(...scales))
    : enlarging.indexOf(Math.min(...enlarging));
  return grids[best] ?? [1, 1];
}

/** Of each patch of a square at `x0`, `y0` of a canvas, the share that is picture. */
function coverage({ left, top, width, height }: Placed, x0: number, y0: number, side: number, patch: number) {
  const overlap = (start: number, from: number, length: number) =>
    Math.max(0, Math.min(start + patch, from + length) - Math.max(start, from));
  const shares: number[] = [];
  for (let y = y0; y < y0 + side; y += patch) {
    for (let x = x0; x < x0 + side; x += patch) {
      shares.push((overlap(x, left, width) * overlap(y, top, height)) / patch ** 2);
    }
  }
  return shares;
}

interface Layout {
  /** Crops of the picture, downwards and across. */
  readonly grid: readonly [number, number];
  /** Features of a crop, along a side. */
  readonly pooled: number;
  /** Patches along a side of a crop, and those of its margins. */
  readonly patches: number;
  readonly margins: readonly [number, number];
}

/**
 * For each feature of each crop, the number of its token among all image tokens; -1 for features of margins, which
 * the crop beside has as well.
 */
function tokenNumbers({
  grid: [rows, columns],
  pooled,
  patches,
  margins: [before, after],
}: Layout): number[] {
  const span = (i: number, count: number) => {
    const inner = patches - before - after + (i === 0 ? before : 0) + (i === count - 1 ? after : 0);
    return { start: i === 0 ? 0 : Math.floor(before / 2), length: Math.floor((inner + 1) / 2) };
  };
  // crops count in rows of their own, but tokens in rows of the whole picture
  const own = Array<number>(rows * columns * pooled * pooled).fill(-1);
  const at = (i: number, y: number, j: number, x: number) => ((i * columns + j) * pooled + y) * pooled + x;
  let next = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [down, across] = [span(i, rows), span(j, columns)];
      for (let y = 0; y < down.length; y++) {
        for (let x = 0; x < across.length; x++) own[at(i, down.start + y, j, across.start + x)] = next++;
      }
    }
  }
  const across: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let y = 0; y < pooled; y++) {
      for (let j = 0; j < columns; j++) {
        for (let x = 0; x < pooled; x++) {
          const number = own[at(i, y, j, x)] ?? -1;
          if (number >= 0) across.push(number);
        }
      }
    }
  }
  const tokenOf = new Map(across.map((number, token) => [number, token]));
  return own.map((number) => tokenOf.get(number) ?? -1);
}

const PATCH = "<im_patch>";

const rowsOf = (rows: number, columns: number): string =>
  `<im_start>${`${PATCH.repeat(columns)}<im_col>`.repeat(rows)}<im_end>`;

/** Where in the image's prompt its tokens of features stand. */
function imagePositions(pooled: number, rows: number, columns: number): number[] {
  const positions: number[] = [];
  let at = 0;
  const add = (down: number, across: number) => {
    at += 1; // the start
    for (let row = 0; row < down; row++) {
      for (let column = 0; column < across; column++) positions.push(at++);
      at += 1; // the end of the row
    }
    at += 1; // the end
  };
  add(pooled, pooled);
  add(rows, columns);
  return positions;
}

export function molmo(files: ProcessorFiles): ImageProcessor {
  const s = readImageSettings(
    {
      ...valueKeys(CLIP),
      max_crops: tileCount.default(12),
      overlap_margins: field.list(field.int.required()).default([4, 4]),
      base_image_input_size: field.list(count.required()).default([336, 336]),
      image_token_length_w: count.default(12),
      image_patch_size: count.default(14),
    },
    files,
  );
  const values = sampleValues(s, dividedInFloat32);
  const samples = truncatedSamples(1 / 255);
  const [before = 4, after = 4] = s.overlap_margins;
  const [side = 336] = s.base_image_input_size;
  const [patch, pooled] = [s.image_patch_size, s.image_token_length_w];
  const patches = side / patch;
  const margin = (before + after) * patch;
  const window = side - margin;
  return defineProcessor({
    placeholder: "<image>",
    featureToken: PATCH,
    formatContent: textContent(""),
    process: (image) => {
      const picture = { ...image, data: image.data.map((sample) => samples[sample] as number) };
      const grid = gridOf(image.width - margin, image.height - margin, window, s.max_crops);
      const [rows, columns] = grid;
      const placed = place(picture, columns * window + margin, rows * window + margin);
      const corners = Array.from({ length: rows * columns }, (_, i) => ({
        x: (i % columns) * window,
        y: Math.floor(i / columns) * window,
      }));
      const crops = corners.map(({ x, y }) => crop(placed.canvas, x, y, side, side));
      const pictures = [place(picture, side, side).canvas, ...crops];
      const data = new Float32Array(pictures.length * side * side * 3);
      pictures.forEach((square, i) => {
        writePatches(square, patch, values, data.subarray(i * side * side * 3));
      });
      // the mask of the whole, all -1, is the last, though its patches are the first
      const shares = corners.flatMap(({ x, y }) => coverage(placed, x, y, side, patch));
      const masks = [...shares, ...Array<number>(patches ** 2).fill(-1)];
      const features = (count: number) => Math.floor((count * (window / patch) + before + after + 1) / 2);
      const positions = imagePositions(pooled, features(rows), features(columns));
      const numbers = tokenNumbers({ grid, pooled, patches, margins: [before, after] });
      const whole = Array.from({ length: pooled ** 2 }, (_, i) => i);
      const order = [...whole, ...numbers.map((number) => (number < 0 ? -1 : number + pooled ** 2))];
      const indices = order.map((number) => positions[number] ?? -100);
      return {
        arrays: {
          pixel_values: { data, shape: [pictures.length, patches ** 2, patch * patch * 3] },
          image_input_idx: integers(indices, [pictures.length, pooled ** 2]),
          image_masks: { data: Float32Array.from(masks), shape: [pictures.length, patches ** 2] },
        },
        prompt: rowsOf(pooled, pooled) + rowsOf(features(rows), features(columns)),
        featureTokens: positions.length,
      };
    },
    expandPrompt: (prompt, images) => {
      const { features, text } = imagesFirst(prompt, "<image>", images);
      return joinTexts([...features, text]);
    },
  });
}
