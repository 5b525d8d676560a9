import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { largestError } from "./dense-reference.ts";
import { availableLevels, controls } from "./kernel-controls.ts";
import { elements, inBytes, relativeError, withStock } from "./kernel-inputs.ts";

beforeEach(() => mx.random.seed(1));

afterEach(() => {
  controls.setCpuLevel(controls.cpuFeatures());
  controls.setRounding(0);
});

const formats = [
  { mode: "mxfp4", group: 32, bits: 4 },
  { mode: "nvfp4", group: 16, bits: 4 },
  { mode: "mxfp8", group: 32, bits: 8 },
] as const;

type Format = (typeof formats)[number];

/** A matrix in one of the formats, and the numbers it stands for as libmlx reads them. */
const quantized = (weights: mx.MxArray, { mode, group, bits }: Format) => {
  const [w, scales] = mx.quantize(weights, group, bits, mode);
  if (w === undefined || scales === undefined) throw new Error("quantize gave less than two arrays");
  const dense = mx.dequantize(w, scales, undefined, group, bits, mode, undefined, mx.float32);
  return { w, scales, dense };
};

const errorOf = (format: Format, M: number, N: number, K: number, size = 1): number =>
  mx.tidy(() => {
    const x = mx.random.normal([M, K]);
    const { w, scales, dense } = quantized(mx.random.normal([N, K]).multiply(size), format);
    const out = mx.quantizedMatmul(x, w, scales, undefined, true, format.group, format.bits, format.mode);
    expect(out.dtype).toBe(mx.float32);
    return largestError(x, dense, out);
  });

describe.each(availableLevels)("products with matrices of floats on %s", (level) => {
  it.each(formats)("keep f32 precision: $mode", (format) => {
    controls.setCpuLevel(level);
    const shapes: [number, number, number][] = [
      [1, 67, 4],
      [1, 5, 17],
      [2, 3, 33],
      [3, 33, 1],
      [7, 31, 8],
      [20, 45, 35],
      [40, 17, 19],
      [521, 20, 5],
    ];
    for (const [M, N, groups] of shapes) {
      expect(errorOf(format, M, N, groups * 32), `${M} ${N} ${groups}`).toBeLessThan(5e-7);
    }
  });

  it.each(formats.filter(({ bits }) => bits === 4))("give what bytes stand for: $mode", (format) => {
    controls.setCpuLevel(level);
    const { mode, group, bits } = format;
    mx.tidy(() => {
      // the largest number of all, beside some of every size
      const weights = mx.concatenate([mx.full([3, 640], 6), mx.random.normal([30, 640])], 0);
      const { w, scales, dense } = quantized(weights, format);
      for (const x of [mx.random.normal([21, 640]), mx.ones([21, 640])]) {
        controls.setRounding(8);
        const out = mx.quantizedMatmul(x, w, scales, undefined, true, group, bits, mode);
        // kernels that have no products of bytes take 16 bits
        if (controls.hasCoarseProducts())
          expect(largestError(inBytes(x, group), dense, out)).toBeLessThan(2e-6);
        else expect(largestError(x, dense, out)).toBeLessThan(3e-5);
      }
    });
  });

  it.each(formats)("keep very large and very small weights: $mode", (format) => {
    controls.setCpuLevel(level);
    const sizes = format.mode === "nvfp4" ? [100, 0.05] : [1e20, 1e-20];
    for (const size of sizes) {
      for (const M of [1, 40]) expect(errorOf(format, M, 9, 160, size), `${M} ${size}`).toBeLessThan(5e-7);
    }
  });

  it.each(formats)("know every number of $mode", ({ mode, group, bits }) => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const words = 256 / 4;
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i % 128 === 127 && bits === 8 ? 0 : i));
      const w = mx.array(new Uint32Array(bytes.buffer), mx.uint32).reshape(1, words);
      const K = (words * 32) / bits;
      const scales = mx.full([1, K / group], 120, mx.uint8);
      const product = mx.quantizedMatmul(mx.eye(K), w, scales, undefined, true, group, bits, mode);
      const dense = mx.dequantize(w, scales, undefined, group, bits, mode, undefined, mx.float32);
      const expected = elements(dense);
      expect(new Set(expected).size).toBeGreaterThan(bits === 8 ? 250 : 14);
      expect(relativeError(elements(product), expected)).toBeLessThan(1e-6);
    });
  });

  it.each(formats)("gather experts of $mode", (format) => {
    controls.setCpuLevel(level);
    mx.tidy(() => {
      const [experts, N, K] = [5, 20, 96];
      const { w, scales } = quantized(mx.random.normal([experts, N, K]), format);
      const indices = mx.array([3, 0, 3, 3, 4, 1, 0, 2, 2, 2, 3, 3], mx.uint32);
      for (const x of [mx.random.normal([12, 1, K]), mx.random.normal([12, 3, K])]) {
        const gather = () =>
          mx.gatherQmm(
            x,
            w,
            scales,
            undefined,
            undefined,
            indices,
            true,
            format.group,
            format.bits,
            format.mode,
          );
        const expected = withStock(() => elements(gather()));
        expect(relativeError(elements(gather()), expected)).toBeLessThan(2e-6);
      }
    });
  });
});

it.each(formats)("fast products with $mode stay within the error of 16-bit activations", (format) => {
  controls.setRounding(16);
  for (const M of [1, 5, 40, 505]) expect(errorOf(format, M, 50, 640)).toBeLessThan(3e-5);
});

it.each(formats)("a gated MLP of $mode is what its products are", (format) => {
  mx.tidy(() => {
    const { bits, group, mode } = format;
    const [E, F] = [64, 96];
    const gate = quantized(mx.random.normal([F, E]), format);
    const up = quantized(mx.random.normal([F, E]), format);
    const down = quantized(mx.random.normal([E, F]), format);
    const product = (x: mx.MxArray, m: typeof gate) =>
      mx.quantizedMatmul(x, m.w, m.scales, undefined, true, group, bits, mode);
    for (const M of [1, 33]) {
      const x = mx.random.normal([M, E]);
      const mlp = () => product(mx.fast.swiglu(product(x, gate), product(x, up)), down);
      const expected = withStock(() => elements(mlp()));
      expect(relativeError(elements(mlp()), expected)).toBeLessThan(5e-6);
    }
  });
});
