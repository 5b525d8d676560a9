/** Steps that image processors share, each as transformers does it. @see transformers 5.23 image_transforms.py */
import type { PixelArray } from "./image-processor.ts";
import { blankImage, type RgbImage } from "./rgb-image.ts";

/** The window of a picture at `left`, `top`; black where it lies outside. */
export function crop(image: RgbImage, left: number, top: number, width: number, height: number): RgbImage {
  const window = blankImage(width, height);
  const [from, to] = [Math.max(left, 0), Math.min(left + width, image.width)];
  for (let y = Math.max(top, 0); y < Math.min(top + height, image.height) && from < to; y++) {
    const row = image.data.subarray((y * image.width + from) * 3, (y * image.width + to) * 3);
    window.data.set(row, ((y - top) * width + from - left) * 3);
  }
  return window;
}

/** The middle of a picture; black around one that is too small. */
export const centerCrop = (image: RgbImage, width: number, height: number): RgbImage =>
  crop(image, Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2), width, height);

/** A picture on a larger one of one color. */
export function pad(
  image: RgbImage,
  width: number,
  height: number,
  { left = 0, top = 0, color = [0, 0, 0] }: { left?: number; top?: number; color?: readonly number[] } = {},
): RgbImage {
  const canvas = crop(image, -left, -top, width, height);
  if (color.every((sample) => sample === 0)) return canvas;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = y >= top && y < top + image.height && x >= left && x < left + image.width;
      if (!inside) canvas.data.set(color, (y * width + x) * 3);
    }
  }
  return canvas;
}

/** A picture in the middle of a square that holds it. */
export function padToSquare(image: RgbImage, color: readonly number[]): RgbImage {
  const side = Math.max(image.width, image.height);
  const left = Math.floor((side - image.width) / 2);
  const top = Math.floor((side - image.height) / 2);
  return pad(image, side, side, { left, top, color });
}

/** Tiles of one size, row by row. */
export function tilesOf(image: RgbImage, width: number, height: number): RgbImage[] {
  const tiles: RgbImage[] = [];
  for (let top = 0; top < image.height; top += height) {
    for (let left = 0; left < image.width; left += width) tiles.push(crop(image, left, top, width, height));
  }
  return tiles;
}

/** What a sample of 0 to 255 becomes, for each of the three channels. */
export type SampleValues = readonly [Float32Array, Float32Array, Float32Array];

/** Writes a picture as three planes `[3, H, W]` from `offset` of `out`. */
export function writePlanes(image: RgbImage, values: SampleValues, out: Float32Array, offset = 0): void {
  const area = image.width * image.height;
  values.forEach((table, channel) => {
    const plane = offset + channel * area;
    for (let i = 0; i < area; i++) out[plane + i] = table[image.data[i * 3 + channel] as number] as number;
  });
}

/** Pictures of one size as `[N, 3, H, W]`. */
export function stackPlanes(images: readonly RgbImage[], values: SampleValues): PixelArray {
  const { width = 0, height = 0 } = images[0] ?? {};
  const size = 3 * width * height;
  const data = new Float32Array(images.length * size);
  images.forEach((image, i) => {
    writePlanes(image, values, data, i * size);
  });
  return { data, shape: [images.length, 3, height, width] };
}

/** Writes the patches of a picture one after another, row by row, the samples of a pixel beside each other. */
export function writePatches(image: RgbImage, patch: number, values: SampleValues, out: Float32Array): void {
  const [red, green, blue] = values;
  let to = 0;
  for (let top = 0; top < image.height; top += patch) {
    for (let left = 0; left < image.width; left += patch) {
      for (let y = top; y < top + patch; y++) {
        let from = (y * image.width + left) * 3;
        for (const end = from + patch * 3; from < end; from += 3) {
          out[to] = red[image.data[from] as number] as number;
          out[to + 1] = green[image.data[from + 1] as number] as number;
          out[to + 2] = blue[image.data[from + 2] as number] as number;
          to += 3;
        }
      }
    }
  }
}

/** Whole numbers as an array. */
export const integers = (values: readonly number[], shape: readonly number[]): PixelArray => ({
  data: Int32Array.from(values),
  shape,
});
