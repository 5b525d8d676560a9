/** Inputs of kernel tests, and how far results may lie from a reference in double precision. */
import * as mx from "../../src/core/index.ts";
import { availableKernels, controls, useKernels } from "./kernel-controls.ts";

/** Calls `fn`, which reads its results inside, on all kernels that this processor can run, with their name. */
export const atEveryLevel = (fn: (level: string) => void): void => {
  try {
    for (const kernels of availableKernels) {
      useKernels(kernels);
      mx.tidy(() => fn(kernels.name));
    }
  } finally {
    controls.setCpuLevel(controls.cpuFeatures());
  }
};

/** Runs `fn`, which builds its graph and reads its result inside, on libmlx's own operations. */
export const withStock = <T>(fn: () => T): T => {
  controls.forceStock(true);
  try {
    return fn();
  } finally {
    controls.forceStock(false);
  }
};

/** Numbers in `[-1, 1)` that depend on the seed alone. */
const numbers = (count: number, seed = 1): Float32Array => {
  const values = new Float32Array(count);
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
};

/** {@link numbers} as a float32 array of `shape`. */
export const random = (shape: readonly number[], seed = 1): mx.MxArray =>
  mx
    .array(
      numbers(
        shape.reduce((n, d) => n * d, 1),
        seed,
      ),
      mx.float32,
    )
    .reshape(...shape);

/** The elements in row-major order. */
export const elements = (a: mx.MxArray): number[] =>
  Array.from(a.toTypedArray() as ArrayLike<number>, Number);

/** The largest difference over the largest expected magnitude; infinite where one is NaN and the other is not. */
export const relativeError = (actual: readonly number[], expected: readonly number[]): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let scale = 0;
  expected.forEach((e, i) => {
    const a = actual[i] ?? Number.NaN;
    if (Object.is(a, e) && !Number.isFinite(e)) return;
    scale = Math.max(scale, Math.abs(e));
    const difference = Math.abs(a - e);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  });
  return worst / (scale || 1);
};

/** Rows as one signed byte per value and a scale per group stand for them. */
export const inBytes = (x: mx.MxArray, group: number): mx.MxArray => {
  const groups = mx.reshape(x, [x.dim(0), -1, group]);
  const scales = mx.max(mx.abs(groups), -1, true).divide(127);
  return mx.reshape(mx.round(groups.divide(scales)).multiply(scales), x.shape);
};
