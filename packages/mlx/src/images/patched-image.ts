/** Pictures of any size in whole patches. */
import { ImageError } from "../errors.ts";
import type { PixelArray, ProcessedImage } from "./image-processor.ts";
import { integers, type SampleValues } from "./pixel-steps.ts";
import { roundHalfEven } from "./python-numbers.ts";
import type { RgbImage } from "./rgb-image.ts";

/** Beyond this ratio of sides nothing sensible is left. */
const MAX_ASPECT = 200;

interface Sides {
  readonly width: number;
  readonly height: number;
}

/** @throws {ImageError} when one side is more than 200 times the other */
export function checkAspect({ width, height }: Sides): void {
  if (Math.max(height, width) / Math.min(height, width) <= MAX_ASPECT) return;
  throw new ImageError(
    `The image of ${width}x${height} pixels is too narrow: expected at most ${MAX_ASPECT} for the ratio of its sides`,
  );
}

/**
 * Width and height as multiples of `factor` near a picture's own, with `minPixels` to `maxPixels` in all.
 *
 * @param least - of a side that is near enough to need no scaling
 */
export function sizeWithin(
  { width, height }: Sides,
  factor: number,
  minPixels: number,
  maxPixels: number,
  least = 0,
): Sides {
  const rounded = (side: number) => Math.max(least, roundHalfEven(side / factor) * factor);
  const pixels = rounded(height) * rounded(width);
  if (pixels > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    const smaller = (side: number) => Math.max(factor, Math.floor(side / beta / factor) * factor);
    return { width: smaller(width), height: smaller(height) };
  }
  if (pixels < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    const larger = (side: number) => Math.ceil((side * beta) / factor) * factor;
    return { width: larger(width), height: larger(height) };
  }
  return { width: rounded(width), height: rounded(height) };
}

/** How a picture is cut: patches of `patch` pixels, those of a square of `merge` by `merge` one after another. */
export interface PatchGrid {
  readonly patch: number;
  readonly merge: number;
  /** How often a picture is repeated in a patch, for models that also know films. */
  readonly frames: number;
}

/** Patches `[N, 3 * frames * patch * patch]`. */
export function patchesOf(
  image: RgbImage,
  { patch, merge, frames }: PatchGrid,
  values: SampleValues,
): PixelArray {
  const [rows, columns] = [image.height / patch, image.width / patch];
  const area = patch * patch;
  const length = 3 * frames * area;
  const data = new Float32Array(rows * columns * length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const square = Math.floor(row / merge) * Math.floor(columns / merge) + Math.floor(column / merge);
      const index = (square * merge + (row % merge)) * merge + (column % merge);
      const at = index * length;
      for (let channel = 0; channel < 3; channel++) {
        const table = values[channel] as Float32Array;
        let to = at + channel * frames * area;
        for (let y = row * patch; y < (row + 1) * patch; y++) {
          const from = (y * image.width + column * patch) * 3 + channel;
          for (let x = 0; x < patch; x++) data[to++] = table[image.data[from + x * 3] as number] as number;
        }
        for (let frame = 1; frame < frames; frame++) data.copyWithin(to + (frame - 1) * area, to - area, to);
      }
    }
  }
  return { data, shape: [rows * columns, length] };
}

/** A picture in patches, with a token for each square of them. */
export function patchedImage(
  picture: RgbImage,
  grid: PatchGrid,
  values: SampleValues,
  token: string,
): ProcessedImage {
  const [rows, columns] = [picture.height / grid.patch, picture.width / grid.patch];
  const featureTokens = (rows * columns) / grid.merge ** 2;
  return {
    arrays: {
      pixel_values: patchesOf(picture, grid, values),
      image_grid_thw: integers([1, rows, columns], [3]),
    },
    prompt: token.repeat(featureTokens),
    featureTokens,
  };
}
