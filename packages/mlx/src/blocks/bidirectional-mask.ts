import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { Mask } from "./mask.ts";

/** Bool `[1, 1, L, L]`: a position sees those at most `reach` before or behind it. */
const nearMask = (L: number, reach: number): MxArray => {
  const positions = mx.arange(0, L);
  const distance = mx.abs(mx.subtract(mx.expandDims(positions, 1), mx.expandDims(positions, 0)));
  return mx.expandDims(mx.lessEqual(distance, reach), [0, 1]);
};

/**
 * What positions attend to that see both ways: the tokens of their row, or those near by.
 *
 * @param lengths - tokens of each row `[B]`, at least 1; padding follows them
 * @param L - positions of a row
 * @param reach - how far a position sees to each side. Default: everything
 * @returns bool `[B, 1, 1, L]`, with `reach` `[B or 1, 1, L, L]`; undefined where nothing is hidden
 */
export const bidirectionalMask = (lengths: readonly number[], L: number, reach = L): Mask => {
  const isPadded = lengths.some((length) => length < L);
  if (reach >= L - 1 && !isPadded) return undefined;
  if (!isPadded) return nearMask(L, reach);
  const ends = mx.reshape(mx.array([...lengths], mx.int32), [-1, 1, 1, 1]);
  const isToken = (shape: readonly number[]) => mx.less(mx.reshape(mx.arange(0, L), shape), ends);
  const keys = isToken([1, 1, 1, L]); // [B, 1, 1, L]
  if (reach >= L - 1) return keys;
  // padding sees padding: a row of scores without any is not a number, and 0 times that neither
  const rows = mx.logicalOr(keys, mx.logicalNot(isToken([1, 1, L, 1])));
  return mx.logicalAnd(rows, nearMask(L, reach));
};
