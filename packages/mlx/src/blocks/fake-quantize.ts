/** Rounding to narrow floats and back, which models see in training and so must see here. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

const FP8_LARGEST = 448;
const FP4_LARGEST = 6;

/** Rounds blocks of `size` neighbours, `[..., N, size]` in float32; features that don't divide stay as they are. */
const inBlocks = (x: MxArray, size: number, round: (blocks: MxArray) => MxArray): MxArray => {
  if (x.dim(-1) % size !== 0) return x;
  const blocks = mx.unflatten(x.astype(mx.float32), -1, [-1, size]);
  return mx.reshape(round(blocks), x.shape).astype(x.dtype);
};

/** The largest magnitude of each block, at least `floor`: `[..., N, 1]`. */
const largest = (blocks: MxArray, floor: number): MxArray =>
  mx.maximum(mx.max(mx.abs(blocks), -1, true), floor);

/** The power of two from `x` on. */
const powerOfTwo = (x: MxArray): MxArray => mx.power(2, mx.ceil(mx.log2(x)));

const throughFp8 = (x: MxArray): MxArray => mx.fromFp8(mx.toFp8(x), mx.float32);

/** Magnitudes between which fp4 (e2m1) rounds up, and by how much; ties go to the even mantissa. */
const FP4_STEPS = [
  { past: mx.greater, bound: 0.25, step: 0.5 },
  { past: mx.greaterEqual, bound: 0.75, step: 0.5 },
  { past: mx.greater, bound: 1.25, step: 0.5 },
  { past: mx.greaterEqual, bound: 1.75, step: 0.5 },
  { past: mx.greater, bound: 2.5, step: 1 },
  { past: mx.greaterEqual, bound: 3.5, step: 1 },
  { past: mx.greater, bound: 5, step: 2 },
] as const;

const roundToFp4 = (x: MxArray): MxArray => {
  const magnitude = mx.abs(x);
  const steps = FP4_STEPS.map(({ past, bound, step }) =>
    past(magnitude, bound).astype(mx.float32).multiply(step),
  );
  return mx.multiply(
    mx.sign(x),
    steps.reduce((sum, step) => mx.add(sum, step)),
  );
};

/** To fp8 (e4m3) and back, with a power of two as the scale of 32 neighbours; keeps shape and dtype. */
export const fakeFp8 = (x: MxArray): MxArray =>
  inBlocks(x, 32, (blocks) => {
    const scale = powerOfTwo(largest(blocks, 1e-4).divide(FP8_LARGEST));
    const scaled = mx.clip(mx.divide(blocks, scale), -FP8_LARGEST, FP8_LARGEST);
    return mx.multiply(throughFp8(scaled), scale);
  });

const fakeFp4 = (x: MxArray, size: number, floor: number, scaleOf: (largest: MxArray) => MxArray): MxArray =>
  inBlocks(x, size, (blocks) => {
    const scale = scaleOf(largest(blocks, FP4_LARGEST * floor).divide(FP4_LARGEST));
    return mx.multiply(roundToFp4(mx.clip(mx.divide(blocks, scale), -FP4_LARGEST, FP4_LARGEST)), scale);
  });

/** To fp4 (e2m1) and back, with a power of two as the scale of 32 neighbours. */
export const fakeMxfp4 = (x: MxArray): MxArray => fakeFp4(x, 32, 2 ** -126, powerOfTwo);

/** To fp4 (e2m1) and back, with an fp8 (e4m3) scale of 16 neighbours. */
export const fakeNvfp4 = (x: MxArray): MxArray => fakeFp4(x, 16, 2 ** -9, throughFp8);
