import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { largestError } from "./dense-reference.ts";
import { availableLevels, controls } from "./kernel-controls.ts";

beforeEach(() => mx.random.seed(1));

afterEach(() => {
  controls.setCpuLevel(controls.cpuFeatures());
  controls.forceStock(false);
});

const precision = 5e-7;
const shapes = [
  [1, 1, 1],
  [1, 33, 7],
  [2, 5, 64],
  [3, 40, 129],
  [8, 17, 300],
  [9, 64, 48],
  [33, 70, 513],
] as const;

describe.each(availableLevels)("matmul on %s", (level) => {
  it.each([mx.float32, mx.float16, mx.bfloat16])("keeps f32 precision with weights of dtype %o", (dtype) => {
    controls.setCpuLevel(level);
    for (const [M, N, K] of shapes) {
      mx.tidy(() => {
        const x = mx.random.normal([M, K]);
        const weights = mx.astype(mx.random.normal([N, K]), dtype);
        const wide = mx.astype(weights, mx.float32);
        const seen = mx.matmul(x, mx.transpose(weights));
        expect(seen.dtype).toBe(mx.float32);
        expect(largestError(x, wide, seen), `${M} ${N} ${K} transposed`).toBeLessThan(precision);
        const stored = mx.matmul(x, mx.contiguous(mx.transpose(weights)));
        expect(largestError(x, wide, stored), `${M} ${N} ${K} as stored`).toBeLessThan(precision);
      });
    }
  });

  it("adds a bias, a matrix, or their multiples", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const x = mx.random.normal([2, 3, 96]);
      const weights = mx.random.normal([40, 96]);
      for (const c of [mx.random.normal([40]), mx.random.normal([2, 3, 40]), mx.random.normal([3, 1])]) {
        for (const [alpha, beta] of [
          [1, 1],
          [0.5, 2],
        ] as const) {
          const out = mx.addmm(c, x, mx.transpose(weights), alpha, beta);
          const product = out.subtract(c.multiply(beta)).divide(alpha);
          expect(largestError(x, weights, product)).toBeLessThan(2e-6);
        }
      }
    });
  });

  it("multiplies batches, broadcast and strided", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const a = mx.random.normal([2, 3, 5, 24]);
      const others = [
        mx.random.normal([2, 3, 24, 7]),
        mx.random.normal([3, 24, 7]),
        mx.random.normal([2, 1, 24, 7]),
        mx.swapaxes(mx.random.normal([2, 3, 7, 24]), -1, -2),
        mx.slice(mx.random.normal([2, 3, 24, 20]), [0, 0, 0, 2], [2, 3, 24, 16], [1, 1, 1, 2]),
      ];
      const turned = mx.transpose(mx.random.normal([2, 5, 3, 24]), [0, 2, 1, 3]);
      for (const left of [a, turned, mx.slice(a, [0, 0, 0, 0], [1, 1, 5, 24])]) {
        for (const right of others) {
          const ours = mx.matmul(left, right);
          controls.forceStock(true);
          const stock = mx.matmul(left, right);
          controls.forceStock(false);
          expect(ours.shape).toEqual(stock.shape);
          expect(mx.max(mx.abs(ours.subtract(stock))).item()).toBeLessThan(1e-5);
        }
      }
    });
  });

  it("leaves vectors, other dtypes and errors to libmlx", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      expect(mx.matmul(mx.ones([4]), mx.ones([4, 2])).toTypedArray()).toEqual(new Float32Array([4, 4]));
      expect(mx.matmul(mx.ones([2, 4]), mx.ones([4])).shape).toEqual([2]);
      expect(mx.matmul(mx.ones([2, 4], mx.float16), mx.ones([4, 2], mx.float16)).dtype).toBe(mx.float16);
      expect(mx.matmul(mx.ones([2, 0]), mx.ones([0, 2])).toTypedArray()).toEqual(new Float32Array(4));
      expect(() => mx.matmul(mx.ones([2, 4]), mx.ones([5, 2]))).toThrow(/matmul/);
    });
  });
});
