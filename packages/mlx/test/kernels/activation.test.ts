import { describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const tanhGelu = (g: number): number =>
  0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3)));

const gated = [
  ["swiglu", mx.fast.swiglu, (g: number) => g / (1 + Math.exp(-g))],
  ["geglu", mx.fast.geglu, tanhGelu],
] as const;

it.each([1, 7, 16, 37, 1536])("swigluOai agrees with double precision over %d features", (n) => {
  const [alpha, limit] = [1.702, 3];
  const [gate, x] = [random([3, n]).multiply(12), random([3, n], 2).multiply(5)];
  const values = elements(x);
  const expected = elements(gate).map((all, i) => {
    const g = Math.min(all, limit);
    return (g / (1 + Math.exp(-alpha * g))) * (Math.min(Math.max(values[i] ?? 0, -limit), limit) + 1);
  });
  atEveryLevel((level) => {
    const actual = elements(mx.fast.swigluOai(gate, x, alpha, limit));
    expect(relativeError(actual, expected), level).toBeLessThan(3e-7);
  });
});

describe.each(gated)("%s", (_, operation, activation) => {
  it.each([1, 7, 16, 37, 1536])("agrees with double precision over %d features", (n) => {
    const gate = random([3, n]).multiply(12);
    const x = random([3, n], 2);
    const expected = elements(gate).map((g, i) => activation(g) * (elements(x)[i] ?? 0));
    atEveryLevel((level) =>
      expect(relativeError(elements(operation(gate, x)), expected), level).toBeLessThan(3e-7),
    );
  });

  it("holds each element to 1e-6 where the gate is not tiny", () => {
    const gate = mx.linspace(0.01, 30, 4001);
    const expected = elements(gate).map(activation);
    atEveryLevel((level) => {
      elements(operation(gate, mx.ones([4001]))).forEach((y, i) => {
        const e = expected[i] ?? 0;
        expect(Math.abs(y - e) / Math.abs(e), `${level} at ${i}`).toBeLessThan(1e-6);
      });
    });
  });

  it("goes to its limits without NaN", () => {
    const gate = mx.array([-1e30, -200, -100, 0, 100, 200, 1e12], mx.float32);
    atEveryLevel((level) => {
      const out = elements(operation(gate, mx.ones([7])));
      expect(out.slice(0, 3).map(Math.abs), level).toEqual([0, 0, 0]);
      expect(out.slice(3), level).toEqual([0, 100, 200, Math.fround(1e12)]);
    });
  });

  it("takes the halves of one projection, which are not contiguous", () => {
    const [gate, x] = mx.split(random([2, 5, 74]), 2, -1) as [mx.MxArray, mx.MxArray];
    const expected = elements(gate).map((g, i) => activation(g) * (elements(x)[i] ?? 0));
    expect(relativeError(elements(operation(gate, x)), expected)).toBeLessThan(3e-7);
  });

  it("is composed of libmlx's operations for other dtypes and broadcast shapes", () => {
    const gate = random([2, 6]).multiply(3);
    const x = random([1, 6], 2);
    const expected = elements(gate).map((g, i) => activation(g) * (elements(x)[i % 6] ?? 0));
    expect(relativeError(elements(operation(gate, x)), expected)).toBeLessThan(1e-6);
    const half = operation(gate.astype(mx.float16), x.astype(mx.float16));
    expect(half.dtype).toBe(mx.float16);
    expect(relativeError(elements(half), expected)).toBeLessThan(5e-3);
  });
});

/** `1 - erf(z)` in double precision: a series, and a continued fraction for large `z`. */
const errorComplement = (z: number): number => {
  if (z < 0) return 2 - errorComplement(-z);
  if (z > 2.5) {
    let fraction = 0;
    for (let n = 120; n > 0; n--) fraction = n / 2 / (z + fraction);
    return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
  }
  let [term, sum] = [z, z];
  for (let n = 1; n < 80; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return 1 - (2 / Math.sqrt(Math.PI)) * sum;
};

describe.each([
  ["silu", mx.fast.silu, (x: number) => x / (1 + Math.exp(-x))],
  ["gelu", mx.fast.gelu, (x: number) => 0.5 * x * errorComplement(-x / Math.SQRT2)],
  ["geluApprox", mx.fast.geluApprox, tanhGelu],
] as const)("%s", (_, operation, expectedOf) => {
  it("agrees with double precision, composed as well", () => {
    const x = mx.linspace(-9, 9, 4001);
    const expected = elements(x).map(expectedOf);
    const expectClose = (values: number[], level: string) =>
      values.forEach((y, i) => {
        expect(Math.abs(y - (expected[i] ?? 0)), `${level} at ${i}`).toBeLessThan(1e-6);
      });
    atEveryLevel((level) => expectClose(elements(operation(x)), level));
    withStock(() => expectClose(elements(operation(x)), "stock"));
  });

  it("holds what is below zero to the last bits too", () => {
    const x = mx.linspace(-3, -0.01, 997);
    const expected = elements(x).map(expectedOf);
    atEveryLevel((level) => {
      elements(operation(x)).forEach((y, i) => {
        const e = expected[i] ?? 0;
        expect(Math.abs(y - e) / Math.abs(e), `${level} at ${i}`).toBeLessThan(2e-6);
      });
    });
  });

  it("goes to its limits without NaN", () => {
    const x = mx.array([-1e30, -200, -100, 0, 100, 200, 1e12], mx.float32);
    atEveryLevel((level) => {
      const out = elements(operation(x));
      expect(out.slice(0, 3).map(Math.abs), level).toEqual([0, 0, 0]);
      expect(out.slice(3), level).toEqual([0, 100, 200, Math.fround(1e12)]);
    });
  });

  it("leaves what it is given as it was where others hold it, and takes views", () => {
    const x = random([4, 33], 5);
    const before = elements(x);
    const some = elements(operation(mx.slice(x, [0, 1], [4, 30], [2, 3])));
    const all = elements(operation(mx.add(x, 0)));
    expect(elements(x)).toEqual(before);
    const picked = all.filter(
      (_value, i) => i % 33 > 0 && i % 33 < 30 && (i % 33) % 3 === 1 && Math.floor(i / 33) % 2 === 0,
    );
    expect(some).toEqual(picked);
  });
});

describe("softcap", () => {
  it("agrees with double precision from tiny to huge", () => {
    const x = mx.multiply(random([2, 333]), mx.power(10, mx.linspace(-6, 6, 333)));
    const expected = elements(x).map((v) => 30 * Math.tanh(v / 30));
    const exact = (values: number[], level: string) =>
      values.forEach((y, i) => {
        const e = expected[i] ?? 0;
        expect(Math.abs(y - e), `${level} at ${i}`).toBeLessThanOrEqual(1e-6 * Math.abs(e));
      });
    atEveryLevel((level) => exact(elements(mx.fast.softcap(x, 30)), level));
    withStock(() => exact(elements(mx.fast.softcap(x, 30)), "stock"));
  });
});
