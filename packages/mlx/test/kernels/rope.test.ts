import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Problem {
  shape: number[];
  dims: number;
  traditional?: boolean;
  base?: number;
  scale?: number;
  offset?: number;
  /** Wavelengths instead of powers of a base. */
  freqs?: boolean;
}

const problems: Problem[] = [
  { shape: [1, 9, 1, 64], dims: 64, offset: 17 },
  { shape: [2, 3, 7, 64], dims: 64, traditional: true },
  { shape: [2, 3, 40, 80], dims: 32, offset: 5 },
  { shape: [2, 3, 5, 30], dims: 18, traditional: true, offset: 3 },
  { shape: [1, 2, 4, 6], dims: 2 },
  { shape: [3, 11, 16], dims: 16, scale: 0.25, offset: 100 },
  { shape: [1, 1, 3, 96], dims: 96, freqs: true, offset: 9 },
  { shape: [2, 2, 3, 66], dims: 22, freqs: true, traditional: true, scale: 2 },
  { shape: [1, 2, 3, 128], dims: 128, base: 1e6, offset: 30000 },
  { shape: [1, 2, 2, 3, 8], dims: 8, offset: 2 },
];

const inputsOf = (p: Problem) => ({
  x: random(p.shape),
  freqs: p.freqs ? mx.add(mx.multiply(random([p.dims / 2], 3), 4), 5) : undefined,
});

const positionsPerRow = (p: Problem): number[] =>
  p.shape.slice(0, 1).flatMap((B) => Array.from({ length: B }, (_, b) => 7 * b + 1));

/** In double precision, but for the angles, which float32 rounds: `offsets` has one per batch row. */
const reference = (p: Problem, offsets: readonly number[]): number[] => {
  const { x, freqs } = inputsOf(p);
  const [values, periods] = [elements(x), freqs && elements(freqs)];
  const D = p.shape.at(-1) ?? 1;
  const L = p.shape.at(-2) ?? 1;
  const half = p.dims / 2;
  const f = Math.fround;
  const out = [...values];
  for (let row = 0; row < values.length / D; row++) {
    const b = Math.floor(row / (values.length / D / (p.shape[0] ?? 1)));
    const position = f(((row % L) + (offsets[b] ?? 0)) * (p.scale ?? 1));
    for (let i = 0; i < half; i++) {
      const step = f(Math.log(p.base ?? 10000) / half);
      const frequency = periods ? f(1 / (periods[i] ?? 1)) : f(Math.exp(f(-i * step)));
      const angle = f(position * frequency);
      const [first, second] = p.traditional ? [2 * i, 2 * i + 1] : [i, half + i];
      const [u = 0, v = 0] = [values[row * D + first], values[row * D + second]];
      out[row * D + first] = u * Math.cos(angle) - v * Math.sin(angle);
      out[row * D + second] = u * Math.sin(angle) + v * Math.cos(angle);
    }
  }
  return out;
};

const turn = (p: Problem, x: mx.MxArray, offsets?: mx.MxArray): mx.MxArray => {
  const { freqs } = inputsOf(p);
  const base = p.freqs ? undefined : (p.base ?? 10000);
  const rest = [p.traditional ?? false, base, p.scale ?? 1] as const;
  return offsets === undefined
    ? mx.fast.rope(x, p.dims, ...rest, p.offset ?? 0, freqs)
    : mx.fast.ropeAt(x, p.dims, ...rest, offsets, freqs);
};

describe.each(problems.map((p) => [JSON.stringify(p), p] as const))("rope %s", (_, p) => {
  const all = (offset: number) => Array.from({ length: p.shape[0] ?? 1 }, () => offset);
  // libmlx rounds frequencies in the last bits, which turns far positions by as much
  const tolerance = 1e-6 * (1 + (p.offset ?? 0) / 15);

  it("agrees with double precision", () => {
    const expected = reference(p, all(p.offset ?? 0));
    atEveryLevel((level) => {
      expect(relativeError(elements(turn(p, inputsOf(p).x)), expected), level).toBeLessThan(tolerance);
    });
  });

  it("agrees with libmlx's own to the last digits", () => {
    const stock = withStock(() => elements(turn(p, inputsOf(p).x)));
    expect(relativeError(elements(turn(p, inputsOf(p).x)), stock)).toBeLessThan(2e-7);
  });

  it("takes one offset per batch row, or one for all, as an array", () => {
    const { x } = inputsOf(p);
    const rows = positionsPerRow(p);
    const perRow = elements(turn(p, x, mx.array(rows, mx.int32)));
    expect(relativeError(perRow, reference(p, rows))).toBeLessThan(1e-6);
    const single = elements(turn(p, x, mx.array(p.offset ?? 0, mx.int32)));
    expect(single).toEqual(elements(turn(p, x)));
  });

  it("takes a transposed view", () => {
    const { x } = inputsOf(p);
    const view = mx.swapaxes(mx.contiguous(mx.swapaxes(x, -2, -3)), -2, -3);
    expect(elements(turn(p, view))).toEqual(elements(turn(p, x)));
  });
});

describe("rope", () => {
  it("keeps tables of different settings apart", () => {
    const x = random([1, 1, 4, 8]);
    const base = elements(mx.fast.rope(x, 8, false, 10000, 1, 0));
    for (const [dims, b, scale, offset] of [
      [8, 5000, 1, 0],
      [8, 10000, 2, 0],
      [8, 10000, 1, 1],
      [4, 10000, 1, 0],
    ] as const) {
      const other = () => elements(mx.fast.rope(x, dims, false, b, scale, offset));
      expect(other()).not.toEqual(base);
      expect(relativeError(other(), withStock(other))).toBeLessThan(2e-7);
    }
    const longer = mx.concatenate([x, x], 2);
    expect(elements(mx.fast.rope(longer, 8, false, 10000, 1, 0)).slice(0, 32)).toEqual(base);
    expect(elements(mx.fast.rope(x, 8, false, 10000, 1, 0))).toEqual(base);
  });

  it("copies features that do not divide into rows of one stride", () => {
    const x = mx.slice(random([1, 2, 3, 32]), [0, 0, 0, 0], [1, 2, 3, 32], [1, 1, 1, 2]);
    const turned = () => elements(mx.fast.rope(x, 16, false, 10000, 1, 2));
    expect(relativeError(turned(), withStock(turned))).toBeLessThan(2e-7);
  });

  it("rejects an odd number of dimensions, as libmlx does", () => {
    expect(() => mx.fast.rope(random([1, 1, 1, 8]), 3, false, 10000, 1, 0).toTypedArray()).toThrow();
  });
});
