import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { largestError } from "./dense-reference.ts";
import { availableLevels, type CpuLevel, controls } from "./kernel-controls.ts";
import { inBytes } from "./kernel-inputs.ts";

beforeEach(() => mx.random.seed(1));

afterEach(() => {
  controls.setCpuLevel(controls.cpuFeatures());
  controls.setRounding(0);
  controls.setThreads(0);
});

interface Problem {
  bits: number;
  group: number;
  M: number;
  N: number;
  K: number;
  scaleType?: mx.Dtype;
}

function quantized({ bits, group, M, N, K, scaleType = mx.float32 }: Problem) {
  const x = mx.random.normal([M, K]);
  const [w, s, b] = mx.quantize(mx.random.normal([N, K]), group, bits);
  if (w === undefined || s === undefined || b === undefined)
    throw new Error("quantize gave less than three arrays");
  const scales = mx.astype(s, scaleType);
  const biases = mx.astype(b, scaleType);
  const dense = mx.dequantize(w, mx.astype(scales, mx.float32), mx.astype(biases, mx.float32), group, bits);
  return { x, w, scales, biases, dense };
}

const errorOf = (problem: Problem): number =>
  mx.tidy(() => {
    const { x, w, scales, biases, dense } = quantized(problem);
    const out = mx.quantizedMatmul(x, w, scales, biases, true, problem.group, problem.bits);
    expect(out.dtype).toBe(mx.float32);
    return largestError(x, dense, out);
  });

describe.each(availableLevels)("quantized matmul on %s", (level) => {
  it.each([2, 3, 4, 5, 6, 8])("keeps f32 precision with %i bits", (bits) => {
    controls.setCpuLevel(level);
    for (const group of [32, 64, 128]) {
      for (const [M, N, K] of [
        [1, 67, 128],
        [1, 5, 640],
        [2, 3, 1152],
        [3, 33, 384],
        [7, 31, 256],
        [20, 45, 896],
      ] as const) {
        expect(errorOf({ bits, group, M, N, K }), `${group} ${M} ${N} ${K}`).toBeLessThan(5e-7);
      }
    }
  });

  it("keeps f32 precision when the last block of a row is cut short", () => {
    controls.setCpuLevel(level);
    for (const bits of [3, 4, 8]) {
      for (const K of [32, 96, 576, 544])
        expect(errorOf({ bits, group: 32, M: 1, N: 9, K })).toBeLessThan(5e-7);
      for (const K of [64, 192, 576]) expect(errorOf({ bits, group: 64, M: 3, N: 9, K })).toBeLessThan(5e-7);
    }
  });

  it.each([mx.float16, mx.bfloat16])("reads %s scales", (scaleType) => {
    controls.setCpuLevel(level);
    for (const M of [1, 4, 30]) {
      expect(errorOf({ bits: 4, group: 32, M, N: 70, K: 576, scaleType })).toBeLessThan(5e-7);
      expect(errorOf({ bits: 6, group: 64, M, N: 70, K: 576, scaleType })).toBeLessThan(5e-7);
    }
  });

  it("blocks products larger than a panel and a block of rows", () => {
    controls.setCpuLevel(level);
    expect(errorOf({ bits: 4, group: 64, M: 521, N: 100, K: 832 })).toBeLessThan(5e-7);
  });

  it("gives the same numbers for any number of threads", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      for (const M of [1, 40]) {
        const { x, w, scales, biases } = quantized({ bits: 4, group: 64, M, N: 700, K: 1024 });
        const results = [1, 2, 3, 7].map((threads) => {
          controls.setThreads(threads);
          return mx.quantizedMatmul(x, w, scales, biases, true, 64, 4).toTypedArray();
        });
        for (const result of results) expect(result).toEqual(results[0]);
      }
    });
  });

  it("takes strided and broadcast activations and weights", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const { x, w, scales, biases, dense } = quantized({ bits: 4, group: 32, M: 12, N: 20, K: 128 });
      const turned = mx.transpose(mx.reshape(x, [3, 4, 128]), [1, 0, 2]); // [4, 3, 128]
      const out = mx.quantizedMatmul(turned, w, scales, biases, true, 32, 4);
      expect(out.shape).toEqual([4, 3, 20]);
      expect(largestError(mx.contiguous(turned), dense, out)).toBeLessThan(5e-7);
      const repeated = mx.broadcastTo(mx.reshape(mx.slice(x, [0, 0], [1, 128]), [128]), [5, 128]);
      const every = mx.quantizedMatmul(repeated, w, scales, biases, true, 32, 4);
      expect(largestError(mx.contiguous(repeated), dense, every)).toBeLessThan(5e-7);
      const half = [w, scales, biases].map((a) => mx.slice(a, [0, 0], [20, a.dim(1)], [2, 1]));
      const [hw = w, hs = w, hb = w] = half;
      const odd = mx.quantizedMatmul(x, hw, hs, hb, true, 32, 4);
      expect(largestError(x, mx.slice(dense, [0, 0], [20, 128], [2, 1]), odd)).toBeLessThan(5e-7);
    });
  });

  it("lets infinities and NaN of the activations through", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const { w, scales, biases } = quantized({ bits: 4, group: 32, M: 1, N: 6, K: 128 });
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const x = mx.concatenate([mx.ones([1, 127]), mx.full([1, 1], bad)], 1);
        const out = mx.quantizedMatmul(x, w, scales, biases, true, 32, 4).toTypedArray();
        expect([...out].some((v) => Number.isFinite(Number(v)))).toBe(false);
      }
    });
  });

  it("keeps very small and very large activations", () => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const { x, w, scales, biases, dense } = quantized({ bits: 4, group: 32, M: 2, N: 6, K: 128 });
      for (const factor of [1e-25, 1e30, 0]) {
        const scaled = x.multiply(factor);
        const out = mx.quantizedMatmul(scaled, w, scales, biases, true, 32, 4);
        const back = factor === 0 ? out : out.divide(factor);
        expect(largestError(factor === 0 ? scaled : x, dense, back)).toBeLessThan(5e-7);
      }
    });
  });
});

/** Whether many rows of activations have one byte each where that is allowed. Sums of 16 bits have no room for weights of 8. */
const takesOneByte = (level: CpuLevel, bits: number): boolean =>
  controls.hasCoarseProducts() && (bits < 8 || !["avx2", "avx512"].includes(level));

describe.each(availableLevels)("fast quantized matmul on %s", (level) => {
  it("stays within the error of 16-bit activations", () => {
    controls.setCpuLevel(level);
    controls.setRounding(16);
    for (const bits of [2, 3, 4, 5, 6, 8]) {
      for (const group of [32, 64, 128]) {
        for (const M of [1, 5, 40]) expect(errorOf({ bits, group, M, N: 50, K: 640 })).toBeLessThan(3e-5);
      }
    }
  });

  it("gives what bytes stand for in products of many rows, and 16 bits in those of few", () => {
    controls.setCpuLevel(level);
    for (const [bits, group, M] of [
      [4, 32, 40],
      [8, 64, 37],
      [3, 128, 9],
      [5, 32, 21],
      [6, 64, 18],
      [4, 64, 8],
    ] as const) {
      mx.tidy(() => {
        const { x, w, scales, biases } = quantized({ bits, group, M, N: 50, K: 640 });
        const product = (rounding: 0 | 8 | 16, of: mx.MxArray) => {
          controls.setRounding(rounding);
          return mx.quantizedMatmul(of, w, scales, biases, true, group, bits);
        };
        const isCoarse = takesOneByte(level, bits) && M > 8;
        const expected = isCoarse ? product(0, inBytes(x, group)) : product(16, x);
        const difference = mx.max(mx.abs(product(8, x).subtract(expected))).item();
        expect(difference).toBeLessThan(isCoarse ? 1e-3 : 1e-9);
      });
    }
  });

  it.each([2, 3, 4, 5, 6, 8])("has room for the largest sums of weights of %i bits", (bits) => {
    controls.setCpuLevel(level);
    controls.setRounding(8);
    mx.tidy(() => {
      const [N, K, group] = [19, 256, 64];
      const w = mx.full([N, (K * bits) / 32], 2 ** 32 - 1, mx.uint32);
      const [scales, biases] = [mx.ones([N, K / group]), mx.zeros([N, K / group])];
      for (const sign of [1, -1]) {
        const out = mx.quantizedMatmul(mx.full([21, K], sign), w, scales, biases, true, group, bits);
        const expected = sign * K * (2 ** bits - 1);
        expect(mx.max(mx.abs(out.divide(expected).subtract(1))).item()).toBeLessThan(1e-6);
      }
    });
  });

  it.each([505, 512])("does so for the few rows that a block of rows leaves over: %d", (M) => {
    controls.setCpuLevel(level);
    controls.setRounding(16);
    expect(errorOf({ bits: 4, group: 32, M, N: 20, K: 128 })).toBeLessThan(0.01);
  });
});
