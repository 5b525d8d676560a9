import { describe, expect, it } from "vitest";
import { CausalConv1d } from "../../src/blocks/index.ts";
import { ArraysCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

interface Problem {
  B: number;
  size: [number, number];
  C: number;
  multiplier: number;
  taps: [number, number];
  stride: number;
  low: number;
  high: number;
  dilation: number;
}

const plain: Problem = {
  ...{ B: 1, size: [9, 13], C: 16, multiplier: 1, taps: [3, 3] },
  ...{ stride: 1, low: 1, high: 1, dilation: 1 },
};

const problems: Problem[] = [
  plain,
  { ...plain, C: 1, size: [1, 1] },
  { ...plain, B: 3, C: 35, taps: [7, 7], low: 3, high: 3 },
  { ...plain, C: 24, multiplier: 2, taps: [7, 7], stride: 2, low: 3, high: 3 },
  { ...plain, C: 5, multiplier: 3, taps: [3, 5], low: 0, high: 2 },
  { ...plain, B: 2, C: 20, taps: [5, 5], stride: 2, low: 1, high: 2 },
  { ...plain, C: 33, taps: [4, 3], dilation: 2, low: 3, high: 0 },
  { ...plain, C: 17, size: [40, 120], taps: [3, 3], stride: 3 },
  { ...plain, C: 8, size: [2, 2], taps: [7, 7], low: 3, high: 3 },
];

const inputs = ({ B, size, C, multiplier, taps }: Problem) => ({
  x: random([B, ...size, C], 1),
  weight: random([C * multiplier, ...taps, 1], 2),
});

const convolve = (p: Problem, { x, weight }: ReturnType<typeof inputs>): mx.MxArray => {
  const both = (n: number): number[] => [n, n];
  const margins = [both(p.low), both(p.high)] as const;
  return mx.convGeneral(x, weight, both(p.stride), ...margins, both(p.dilation), [1, 1], p.C);
};

/** In double precision. */
const reference = (p: Problem, arrays: ReturnType<typeof inputs>): number[] => {
  const { B, size, C, multiplier: m, taps, stride, dilation } = p;
  const [x, weight] = [elements(arrays.x), elements(arrays.weight)];
  const [H, W] = size;
  const [rows = 0, columns = 0] = [0, 1].map((axis) => {
    const room = (size[axis] ?? 0) + p.low + p.high - ((taps[axis] ?? 0) - 1) * dilation - 1;
    return Math.floor(room / stride) + 1;
  });
  const at = (b: number, y: number, z: number, c: number): number =>
    y < 0 || z < 0 || y >= H || z >= W ? 0 : (x[((b * H + y) * W + z) * C + c] ?? Number.NaN);
  const out: number[] = [];
  for (let place = 0; place < B * rows * columns; place++) {
    const [b, row, column] = [
      Math.floor(place / (rows * columns)),
      Math.floor(place / columns) % rows,
      place % columns,
    ];
    for (let c = 0; c < C * m; c++) {
      let sum = 0;
      for (let tap = 0; tap < taps[0] * taps[1]; tap++) {
        const y = row * stride + Math.floor(tap / taps[1]) * dilation - p.low;
        const z = column * stride + (tap % taps[1]) * dilation - p.low;
        sum += (weight[c * taps[0] * taps[1] + tap] ?? Number.NaN) * at(b, y, z, Math.floor(c / m));
      }
      out.push(sum);
    }
  }
  return out;
};

describe("convolution of each channel by itself", () => {
  it.each(problems)("agrees with double precision: %j", (p) => {
    const arrays = inputs(p);
    const expected = reference(p, arrays);
    atEveryLevel((level) => {
      expect(relativeError(elements(convolve(p, arrays)), expected), level).toBeLessThan(2e-6);
    });
  });

  it.each(problems)("has libmlx's shapes: %j", (p) => {
    const arrays = inputs(p);
    expect(convolve(p, arrays).shape).toEqual(withStock(() => convolve(p, arrays)).shape);
  });

  it.each([
    [4, 1, 0, 1],
    [4, 1, 3, 1],
    [3, 2, 1, 2],
  ])("along one axis does what libmlx does: %i taps, stride %i, padding %i, dilation %i", (taps, ...rest) => {
    const x = mx.transpose(random([2, 24, 70], 3), [0, 2, 1]); // [2, 70, 24]
    for (const weight of [random([24, taps, 1], 4), random([48, taps, 1], 4).astype(mx.float16)]) {
      const make = () => elements(mx.conv1d(x, weight, ...rest, 24));
      const stock = withStock(make);
      atEveryLevel((level) => expect(relativeError(make(), stock), level).toBeLessThan(2e-6));
    }
  });

  it("leaves what does not fit to libmlx", () => {
    const x = random([1, 4, 4, 6]);
    expect(() =>
      mx.convGeneral(x, random([6, 7, 7, 1]), [1, 1], [0, 0], [0, 0], [1, 1], [1, 1], 6),
    ).toThrow();
    const grouped = (): number[] =>
      elements(mx.convGeneral(x, random([6, 3, 3, 2]), [1, 1], [1, 1], [1, 1], [1, 1], [1, 1], 3));
    expect(grouped()).toEqual(withStock(grouped));
  });
});

describe("a convolution that goes on", () => {
  const [C, W] = [21, 4];

  /** Outputs of stretches, and the past behind them. */
  const answers = (conv: CausalConv1d, B: number, stretches: readonly number[]): number[][] => {
    const cache = new ArraysCache(1);
    const outputs = stretches.map((L, i) =>
      elements(conv.continue(random([B, L, C], i + 1), undefined, cache)),
    );
    return [...outputs, elements(cache.get(0) ?? mx.zeros([0]))];
  };

  it.each([
    { B: 1, stretches: [1, 1, 1, 1, 1], bias: true },
    { B: 3, stretches: [2, 9, 1], bias: false },
  ])("gives what its parts give: %j", ({ B, stretches, bias }) => {
    const conv = new CausalConv1d(C, W, bias);
    conv.mapParameters((array, key) => random(array.shape, key.length));
    const expected = withStock(() => answers(conv, B, stretches));
    atEveryLevel((level) => {
      for (const [i, row] of answers(conv, B, stretches).entries())
        expect(relativeError(row, expected[i] ?? []), level).toBeLessThan(1e-6);
    });
  });

  it("is one operation for float32 alone, of shapes that fit", () => {
    const [x, taps, past] = [random([1, 2, C]), random([W, C], 2), random([1, W - 1, C], 3)];
    expect(mx.shortConv(x, taps, past)?.past.shape).toEqual([1, W - 1, C]);
    expect(mx.shortConv(x.astype(mx.float16), taps, past)).toBeUndefined();
    expect(withStock(() => mx.shortConv(x, taps, past))).toBeUndefined();
    expect(() => mx.shortConv(x, taps, random([1, W, C]))).toThrow("past [B, W - 1, C]");
  });
});
