/** Decoding against Pillow, by the golden of oracle/image_files.py. */
import { expect, it } from "vitest";
import { decodeImage } from "../../src/images/index.ts";
import { decodeBytes, readGolden } from "./golden.ts";

interface FileGolden {
  name: string;
  size: [number, number];
  file: string;
  pixels: string;
}

const { files } = readGolden<{ files: FileGolden[] }>("images/files.json");

/** Levels that a sample may differ by: decoders of lossy formats round as they like; the others are exact. */
const tolerance = (name: string): number => {
  if (name.endsWith(".avif")) return 3;
  return name.endsWith(".jpeg") || name === "lossy.webp" ? 1 : 0;
};

const largestDifference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? 0))), 0);

it.each(files)("$name has Pillow's pixels", async ({ name, size, file, pixels }) => {
  const image = await decodeImage(decodeBytes(file));
  expect([image.width, image.height]).toEqual(size);
  expect(image.data.length).toBe(image.width * image.height * 3);
  expect(largestDifference(image.data, decodeBytes(pixels))).toBeLessThanOrEqual(tolerance(name));
});
