import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const widths = [1, 3, 16, 64, 65, 129, 576, 4096];

const rowsOf = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

const rms = (row: readonly number[], weight: readonly number[] | undefined, eps: number): number[] => {
  const scale = 1 / Math.sqrt(mean(row.map((x) => x * x)) + eps);
  return row.map((x, i) => x * scale * (weight?.[i] ?? 1));
};

const layer = (row: readonly number[], weight: readonly number[], bias: readonly number[], eps: number) => {
  const shift = mean(row);
  const scale = 1 / Math.sqrt(mean(row.map((x) => (x - shift) ** 2)) + eps);
  return row.map((x, i) => (x - shift) * scale * (weight[i] ?? 1) + (bias[i] ?? 0));
};

describe("rms norm", () => {
  it.each(widths)("agrees with double precision over rows of %d", (width) => {
    const x = random([2, 3, width]).multiply(5);
    const weight = random([width], 2);
    const rows = rowsOf(elements(x), width);
    atEveryLevel((level) => {
      for (const w of [weight, undefined]) {
        const expected = rows.flatMap((row) => rms(row, w && elements(w), 1e-5));
        expect(relativeError(elements(mx.fast.rmsNorm(x, w, 1e-5)), expected), level).toBeLessThan(5e-7);
      }
    });
  });

  it("takes rows of any strides: heads of a transposed view, broadcast rows, every other feature", () => {
    const base = random([2, 5, 6, 40]);
    const weight = random([20], 3);
    const views = [
      mx.transpose(base, [0, 2, 1, 3]),
      mx.slice(base, [0, 1, 0, 8], [2, 5, 6, 40], [1, 2, 3, 1]),
      mx.broadcastTo(random([1, 1, 6, 20]), [3, 4, 6, 20]),
      mx.slice(base, [0, 0, 0, 0], [2, 5, 6, 40], [1, 1, 1, 2]),
      mx.swapaxes(base, 1, 3),
    ];
    for (const view of views) {
      const width = view.shape.at(-1) ?? 1;
      const w = width === 20 ? weight : undefined;
      const expected = rowsOf(elements(view), width).flatMap((row) => rms(row, w && elements(w), 1e-6));
      const out = mx.fast.rmsNorm(view, w, 1e-6);
      expect(out.shape).toEqual(view.shape);
      expect(relativeError(elements(out), expected)).toBeLessThan(5e-7);
    }
  });

  it.each([mx.float16, mx.bfloat16])("reads weights stored as $name, and gives float32", (dtype) => {
    const x = random([3, 50]);
    const weight = random([50], 2).astype(dtype);
    const out = mx.fast.rmsNorm(x, weight, 1e-5);
    const stock = withStock(() => elements(mx.fast.rmsNorm(x, weight, 1e-5)));
    expect(out.dtype).toBe(mx.float32);
    expect(relativeError(elements(out), stock)).toBeLessThan(5e-7);
  });

  it("keeps NaN and survives rows of zeros and no rows", () => {
    const x = mx.array(
      [
        [Number.NaN, 1, 2],
        [0, 0, 0],
      ],
      mx.float32,
    );
    atEveryLevel(() => {
      const out = elements(mx.fast.rmsNorm(x, undefined, 1e-5));
      expect(out.slice(0, 3).every(Number.isNaN)).toBe(true);
      expect(out.slice(3)).toEqual([0, 0, 0]);
      expect(mx.fast.rmsNorm(mx.zeros([0, 4]), undefined, 1e-5).toTypedArray()).toHaveLength(0);
    });
  });

  it("covers every row on several threads", () => {
    const x = random([700, 129]);
    const expected = rowsOf(elements(x), 129).flatMap((row) => rms(row, undefined, 1e-5));
    expect(relativeError(elements(mx.fast.rmsNorm(x, undefined, 1e-5)), expected)).toBeLessThan(5e-7);
  });

  it("rejects a weight of another length, as libmlx does", () => {
    expect(() => mx.fast.rmsNorm(random([2, 8]), random([7]), 1e-5)).toThrow(/rms_norm/);
  });
});

describe("layer norm", () => {
  it.each(widths.slice(1))("agrees with double precision over rows of %d", (width) => {
    const x = random([4, width]).add(3);
    const [weight, bias] = [random([width], 2), random([width], 3)];
    const ones = new Array(width).fill(1);
    atEveryLevel((level) => {
      for (const [w, b] of [[weight, bias], [weight], []]) {
        const expected = rowsOf(elements(x), width).flatMap((row) =>
          layer(row, w ? elements(w) : ones, b ? elements(b) : [], 1e-5),
        );
        expect(relativeError(elements(mx.fast.layerNorm(x, w, b, 1e-5)), expected), level).toBeLessThan(2e-6);
      }
    });
  });

  it("agrees with libmlx's own when there is a bias alone", () => {
    const [x, bias] = [random([3, 24]), random([24], 2)];
    const norm = () => elements(mx.fast.layerNorm(x, undefined, bias, 1e-5));
    expect(relativeError(norm(), withStock(norm))).toBeLessThan(1e-6);
  });
});
