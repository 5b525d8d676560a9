/** Reproducible pictures, byte for byte those of oracle/pictures.py. */
import type { RgbImage } from "../../src/images/index.ts";
import { hashName, randomBits } from "./random-weights.ts";

/** Squares of 1, 4 or 16 pixels in any colors. */
export function picture(name: string, width: number, height: number): RgbImage {
  const key = hashName(0, name);
  const side = [1, 4, 16][key % 3] ?? 1;
  const columns = Math.ceil(width / side);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const square = Math.floor(y / side) * columns + Math.floor(x / side);
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = randomBits(key, square * 3 + c) & 255;
    }
  }
  return { width, height, data };
}
