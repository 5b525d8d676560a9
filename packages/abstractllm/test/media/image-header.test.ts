import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readImageHeader } from "../../src/media/image/index.ts";
import { MediaProblem } from "../../src/media/media-problem.ts";
import { fixture } from "./fixture.ts";

const IMAGES: readonly [name: string, mimeType: string][] = [
  ["rgb.png", "image/png"],
  ["gray16.png", "image/png"],
  ["palette.png", "image/png"],
  ["baseline.jpg", "image/jpeg"],
  ["progressive.jpg", "image/jpeg"],
  ["cmyk.jpg", "image/jpeg"],
  ["rotated.jpg", "image/jpeg"],
  ["still.gif", "image/gif"],
  ["animated.gif", "image/gif"],
  ["lossy.webp", "image/webp"],
  ["lossless.webp", "image/webp"],
  ["rotated.webp", "image/webp"],
  ["rgb.bmp", "image/bmp"],
  ["rgb.tiff", "image/tiff"],
  ["rgb.avif", "image/avif"],
  ["rgb.heic", "image/heic"],
];

test.each(IMAGES)("knows type and size of %s", (name, mimeType) => {
  // the encoder of HEIC pads to its blocks of 64
  const size = mimeType === "image/heic" ? { width: 64, height: 64 } : { width: 23, height: 17 };
  expect(readImageHeader(fixture(name))).toEqual({ mimeType, ...size });
});

describe("a truncated image", () => {
  // a bitmap's and a TIFF's pixels have no frame that would show where they end
  const framed = IMAGES.filter(([, mimeType]) => !["image/bmp", "image/tiff"].includes(mimeType));
  test.each(framed)("is refused wherever %s is cut", (name) => {
    const whole = fixture(name);
    for (let length = 0; length < whole.length; length++) {
      expect(() => readImageHeader(whole.subarray(0, length)), `${name} cut at ${length}`).toThrow(
        MediaProblem,
      );
    }
  });
});

test.each(IMAGES)("never fails in another way, or without end, on a damaged %s", (name) => {
  const whole = fixture(name);
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = whole.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      try {
        const { width, height } = readImageHeader(bytes);
        expect([width, height].every(Number.isSafeInteger)).toBe(true);
      } catch (error) {
        if (!(error instanceof MediaProblem)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test("never follows boxes into each other without end", () => {
  const depth = 100_000;
  const bytes = new Uint8Array(16 + depth * 12);
  const view = new DataView(bytes.buffer);
  const box = (at: number, length: number, name: string) => {
    view.setUint32(at, length);
    bytes.set(new TextEncoder().encode(name), at + 4);
  };
  box(0, 16, "ftyp");
  bytes.set(new TextEncoder().encode("avif"), 8);
  for (let index = 0; index < depth; index++) box(16 + index * 12, bytes.length - 16 - index * 12, "meta");
  expect(() => readImageHeader(bytes)).toThrow("truncated");
});

test.each([
  ["text", "hello", "no image of a known type"],
  ["a PDF", "%PDF-1.7 …", "it is application/pdf"],
  ["nothing", "", "no image of a known type"],
])("refuses %s", (_, content, message) => {
  expect(() => readImageHeader(new TextEncoder().encode(content))).toThrow(message);
});
