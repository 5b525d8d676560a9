import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/**
 * Sums over every stretch of the last axis: entry `[i, j]` is `x[j + 1] + ... + x[i]`, and 0 where `j >= i`. Summed
 * stretch by stretch: differences of running sums lose the small ones.
 *
 * @param x - `[..., S]`
 * @returns `[..., S, S]`
 */
export const segmentSums = (x: MxArray): MxArray => {
  const S = x.dim(-1);
  const rows = mx.broadcastTo(mx.expandDims(x, -1), [...x.shape, S]); // [..., S, S]
  return mx.cumsum(mx.tril(rows, -1), -2);
};
