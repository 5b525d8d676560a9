/** Decoded samples as Pillow's `convert("RGB")` makes them. @see Pillow 13.0 src/libImaging/Convert.c */
import { blankImage, type RgbImage } from "../rgb-image.ts";

/** Samples as decoded, rows from the top. */
export interface Samples {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha or CMYK. */
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
}

/** Repeats grey, and drops alpha as it is. Grey of 16 bits is cut off at 255, as Pillow does, not scaled. */
export function greyOrRgb({ width, height, channels, data }: Samples): RgbImage {
  if (channels === 3 && data instanceof Uint8Array) return { width, height, data };
  const image = blankImage(width, height);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let from = 0, to = 0; to < image.data.length; from += channels, to += 3) {
    image.data[to] = Math.min(data[from] as number, 255);
    image.data[to + 1] = Math.min(data[from + green] as number, 255);
    image.data[to + 2] = Math.min(data[from + blue] as number, 255);
  }
  return image;
}

/** `a * b / 255`, rounded. */
const scaled = (a: number, b: number): number => {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
};

export function cmyk({ width, height, data }: Samples): RgbImage {
  const image = blankImage(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += 4, to += 3) {
    const light = 255 - (data[from + 3] as number);
    for (let i = 0; i < 3; i++) image.data[to + i] = light - scaled(data[from + i] as number, light);
  }
  return image;
}
