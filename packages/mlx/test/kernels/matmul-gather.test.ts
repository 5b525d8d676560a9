import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { largestError } from "./dense-reference.ts";
import { availableLevels, controls } from "./kernel-controls.ts";

beforeEach(() => mx.random.seed(1));

afterEach(() => {
  controls.setCpuLevel(controls.cpuFeatures());
  controls.forceStock(false);
});

const K = 96;
const N = 20;
const experts = 5;

interface Case {
  name: string;
  x: mx.MxArray;
  lhs?: mx.MxArray;
  rhs?: mx.MxArray;
}

const indices = (values: number[], shape: number[]): mx.MxArray =>
  mx.reshape(mx.array(values, mx.uint32), shape);

function cases(): Case[] {
  return [
    { name: "decode of two experts", x: mx.random.normal([1, 1, 1, 1, K]), rhs: indices([3, 1], [1, 1, 2]) },
    {
      name: "a prompt",
      x: mx.random.normal([1, 6, 1, 1, K]),
      rhs: indices([0, 1, 1, 2, 4, 0, 1, 3, 3, 4, 2, 1], [1, 6, 2]),
    },
    {
      name: "sorted rows",
      x: mx.random.normal([12, 1, K]),
      rhs: indices([0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 4, 4], [12]),
    },
    { name: "several rows a matrix", x: mx.random.normal([3, 4, K]), rhs: indices([2, 0, 2], [3]) },
    {
      name: "both indices",
      x: mx.random.normal([3, 2, K]),
      lhs: indices([2, 0, 0, 1], [2, 2]),
      rhs: indices([1, 4], [2]),
    },
    { name: "left indices only", x: mx.random.normal([3, 2, K]), lhs: indices([2, 0, 1, 1, 0], [5]) },
  ];
}

function compare(ours: () => mx.MxArray, name: string): void {
  const out = ours();
  controls.forceStock(true);
  const stock = ours();
  controls.forceStock(false);
  expect(out.shape, name).toEqual(stock.shape);
  expect(mx.max(mx.abs(out.subtract(stock))).item(), name).toBeLessThan(5e-5);
}

describe.each(availableLevels)("gathered products on %s", (level) => {
  it("agree with libmlx for every way to give indices", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const weights = mx.random.normal([experts, N, K]);
      for (const bits of [4, 8, 3]) {
        const [w = weights, s = weights, b = weights] = mx.quantize(weights, 32, bits);
        for (const { name, x, lhs, rhs } of cases()) {
          compare(() => mx.gatherQmm(x, w, s, b, lhs, rhs, true, 32, bits), `${name}, ${bits} bits`);
        }
      }
      const stored = mx.contiguous(mx.swapaxes(weights, -1, -2));
      for (const { name, x, lhs, rhs } of cases()) {
        compare(() => mx.gatherMm(x, mx.swapaxes(weights, -1, -2), lhs, rhs), name);
        compare(() => mx.gatherMm(x, stored, lhs, rhs), `${name}, not transposed`);
      }
    });
  });

  it.each([mx.float16, mx.bfloat16])("multiply f32 with half-precision experts", (dtype) => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const weights = mx.astype(mx.random.normal([experts, N, K]), dtype);
      const x = mx.random.normal([4, 1, K]);
      const out = mx.gatherMm(x, mx.swapaxes(weights, -1, -2), undefined, indices([3, 3, 3, 3], [4]));
      const third = mx.astype(mx.reshape(mx.slice(weights, [3, 0, 0], [4, N, K]), [N, K]), mx.float32);
      expect(largestError(mx.reshape(x, [4, K]), third, out)).toBeLessThan(5e-7);
    });
  });

  it("reject an index that names no matrix", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const weights = mx.random.normal([experts, N, K]);
      const x = mx.random.normal([1, 1, K]);
      const gather = () =>
        mx.gatherMm(x, mx.swapaxes(weights, -1, -2), undefined, indices([experts], [1])).toTypedArray();
      expect(gather).toThrow(/index 5 .* not below 5/);
    });
  });
});
