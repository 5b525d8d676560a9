/** Layers that look back at the residual stream as it was before earlier ones. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { Linear, RMSNorm } from "../nn/index.ts";

/** Sums of branches, as the residual stream was at the start of each block of layers. */
export type Sums = readonly MxArray[];

/**
 * A mean of earlier sums and the current one, by a softmax over what `proj` says of each when normed; the current one
 * alone where a model has no such layers.
 */
export const chooseAmong = (
  earlier: Sums,
  current: MxArray,
  proj: Linear | undefined,
  norm: RMSNorm | undefined,
  eps: number,
): MxArray => {
  if (earlier.length === 0 || proj === undefined || norm === undefined) return current;
  const sums = mx.stack([...earlier, current]); // [K, B, L, E]
  const wide = sums.astype(mx.float32);
  const weight = mx.multiply(norm.weight.astype(mx.float32), mx.reshape(proj.updatedWeight, [-1])); // [E]
  const lengths = mx.rsqrt(mx.mean(mx.square(wide), -1).add(eps)); // [K, B, L]
  const shares = mx.softmax(mx.multiply(mx.matmul(wide, weight), lengths), 0, true);
  return mx.sum(mx.multiply(mx.expandDims(shares, -1), sums), 0).astype(current.dtype);
};
