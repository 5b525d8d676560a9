import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const widths = [1, 2, 15, 16, 17, 63, 200, 4097];
const { NaN: nan, NEGATIVE_INFINITY: minus, POSITIVE_INFINITY: plus } = Number;

describe("softmax", () => {
  it.each(widths)("agrees with double precision over %d", (n) => {
    const x = random([3, n]).multiply(20);
    const values = elements(x);
    const expected = [0, 1, 2].flatMap((row) => {
      const scores = values.slice(row * n, (row + 1) * n);
      const weights = scores.map((s) => Math.exp(s - Math.max(...scores)));
      return weights.map((w) => w / weights.reduce((a, b) => a + b, 0));
    });
    atEveryLevel((level) => {
      for (const axis of [-1, 1]) {
        expect(relativeError(elements(mx.softmax(x, axis)), expected), level).toBeLessThan(5e-7);
      }
    });
  });

  it.each([
    ["minus infinity beside numbers", [minus, 0, 1, minus]],
    ["nothing but minus infinity", [minus, minus]],
    ["infinity", [plus, 1]],
    ["NaN", [nan, 1, 2]],
    ["huge numbers", [3e38, 3e38, -3e38]],
  ])("does as libmlx with %s", (_, values) => {
    const wide = [...values, ...new Array(40).fill(values.at(-1))];
    for (const row of [values, wide]) {
      const soften = () => elements(mx.softmax(mx.array(row, mx.float32), -1));
      const stock = withStock(soften);
      atEveryLevel((level) => expect(relativeError(soften(), stock), level).toBeLessThan(5e-7));
    }
  });

  it("takes a view, another axis, all axes and other dtypes", () => {
    const x = random([4, 6, 5]);
    for (const [a, axis] of [
      [mx.transpose(x, [2, 0, 1]), -1],
      [mx.swapaxes(x, 1, 2), -1],
      [x, 1],
      [x, undefined],
      [x.astype(mx.float16), -1],
    ] as const) {
      const soften = () => elements(mx.softmax(a, axis));
      expect(relativeError(soften(), withStock(soften))).toBeLessThan(1e-6);
    }
  });
});

describe("argmax", () => {
  const first = (values: readonly number[]): number => {
    const bad = values.findIndex(Number.isNaN);
    return bad >= 0 ? bad : values.indexOf(Math.max(...values));
  };

  it.each(widths)("finds the first largest of %d", (n) => {
    const x = mx.round(random([5, n]).multiply(20)); // few different values: many are equal
    const values = elements(x);
    const expected = [0, 1, 2, 3, 4].map((row) => first(values.slice(row * n, (row + 1) * n)));
    atEveryLevel((level) => {
      const out = mx.argmax(x, -1);
      expect([out.dtype, out.shape], level).toEqual([mx.uint32, [5]]);
      expect(elements(out), level).toEqual(expected);
      expect(mx.argmax(x, 1, true).shape).toEqual([5, 1]);
    });
  });

  it.each([
    ["a NaN at the end", [...new Array(20).fill(1), nan]],
    ["a NaN in the middle", [1, 2, nan, ...new Array(40).fill(5), nan]],
    ["a NaN first", [nan, 5, 6]],
    ["only minus infinity", new Array(33).fill(minus)],
    ["infinities", [1, plus, 2, plus]],
  ])("does as libmlx with %s", (_, values) => {
    const find = () => mx.argmax(mx.array(values, mx.float32), -1).item();
    const stock = withStock(find);
    atEveryLevel((level) => expect(find(), level).toBe(stock));
  });

  it("takes views, other axes and other dtypes", () => {
    const x = random([4, 6, 5]);
    for (const [a, axis] of [
      [mx.swapaxes(x, 0, 2), -1],
      [x, 1],
      [x, undefined],
      [x.multiply(100).astype(mx.int32), -1],
    ] as const) {
      const find = () => elements(mx.argmax(a, axis));
      expect(find()).toEqual(withStock(find));
    }
  });
});
