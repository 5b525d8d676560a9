/** Pixels of a picture: 8 bits per sample, red, green and blue beside each other, rows from the top. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** `height * width * 3` samples. */
  readonly data: Uint8Array;
}

/** A black picture. */
export const blankImage = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3),
});
