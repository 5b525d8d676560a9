import { describe, expect, it } from "vitest";
import { array, bfloat16, float32 } from "../core/index.ts";
import { fakeFp8, fakeMxfp4, fakeNvfp4 } from "./fake-quantize.ts";

/** The nearest of some magnitudes, ties to the one with an even place among them; as fp4 does. */
const nearest = (x: number, magnitudes: readonly number[]): number => {
  const distances = magnitudes.map((m) => Math.abs(Math.abs(x) - m));
  const least = Math.min(...distances);
  const tied = magnitudes.filter((_, i) => distances[i] === least);
  const even = tied.find((m) => magnitudes.indexOf(m) % 2 === 0) ?? tied[0] ?? 0;
  return Math.sign(x) * even;
};

const FP4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

describe("fake quantization", () => {
  it.each([
    ["fakeMxfp4", fakeMxfp4, 32, 1 / 2],
    ["fakeNvfp4", fakeNvfp4, 16, 1],
  ])("%s gives the nearest fp4 of each block's own scale", (_, fake, size, scale) => {
    const values = Array.from({ length: 4 * size }, (_, i) => ((((i * 37) % 97) - 48) / 8) * scale);
    for (let block = 0; block < 4; block++) values[block * size] = 6 * scale; // the largest
    const expected = values.map((x) => nearest(x / scale, FP4) * scale);
    expect([...fake(array(values, float32)).toTypedArray()]).toEqual(expected);
  });

  it("fakeFp8 keeps three bits behind the leading one, of each block's own scale", () => {
    const values = Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 1024) * (1 + (i % 32) / 32));
    const expected = values.map((x) => {
      const unit = 2 ** (Math.floor(Math.log2(x)) - 3);
      const [low, rest] = [Math.floor(x / unit), (x / unit) % 1];
      return (low + Number(rest > 0.5 || (rest === 0.5 && low % 2 === 1))) * unit;
    });
    expect([...fakeFp8(array(values, float32)).toTypedArray()]).toEqual(expected);
  });

  it("keeps shape and dtype, zeros, and features that make no whole blocks", () => {
    const zeros = array(Array(64).fill(0), float32, [2, 32]).astype(bfloat16);
    for (const fake of [fakeFp8, fakeMxfp4, fakeNvfp4]) {
      expect(fake(zeros).dtype).toBe(bfloat16);
      expect(fake(zeros).toArray()).toEqual(zeros.toArray());
      const odd = array([0.3, 0.7, 1.1], float32);
      expect(fake(odd)).toBe(odd);
    }
  });
});
