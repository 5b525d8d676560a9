/** Comparing logits row by row. */

import { expect } from "vitest";
import { device } from "../device.ts";

/**
 * Largest difference allowed, relative to the largest logit of the row. The goldens were computed on a CPU; kernels for
 * vectors of other lengths add in other orders.
 */
export const TOLERANCE = device === "gpu" ? 1e-4 : 2e-5;

const argmax = (row: Float32Array): number =>
  row.reduce((best, x, i) => (x > (row[best] ?? 0) ? i : best), 0);

const largest = (row: Float32Array): number => row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** The largest relative difference of two rows; infinite when one has values that are not finite. */
export function rowDifference(actual: Float32Array, expected: Float32Array): number {
  const absolute = largest(actual.map((x, i) => x - (expected[i] ?? Number.NaN)));
  const difference = absolute === 0 ? 0 : absolute / largest(expected);
  return Number.isFinite(difference) ? difference : Number.POSITIVE_INFINITY;
}

/** Expects rows `[..., vocabSize]` to agree within `tolerance`, and their largest logits to be the same tokens. */
export function expectSameLogits(
  actual: Float32Array,
  expected: Float32Array,
  vocabSize: number,
  tolerance = TOLERANCE,
): void {
  expect(actual.length).toBe(expected.length);
  for (let start = 0; start < expected.length; start += vocabSize) {
    const [got, wanted] = [
      actual.subarray(start, start + vocabSize),
      expected.subarray(start, start + vocabSize),
    ];
    const where = `row ${start / vocabSize} of ${expected.length / vocabSize}`;
    expect(rowDifference(got, wanted), `relative difference in ${where}`).toBeLessThanOrEqual(tolerance);
    expect(argmax(got), `largest logit of ${where}`).toBe(argmax(wanted));
  }
}
