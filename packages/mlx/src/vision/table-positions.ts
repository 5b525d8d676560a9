import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** In which of `side` buckets each of `count` patches lies, `[count]`. */
const buckets = (count: number, side: number): MxArray => {
  const shares = mx.clip(mx.arange(0, count, 1, mx.float32).divide(count), 0, 1 - 1e-6);
  const edges = mx.arange(1 / side, 1, 1 / side, mx.float32);
  return mx.sum(mx.greaterEqual(mx.expandDims(shares, 1), edges).astype(mx.int32), 1);
};

/** For each patch of a picture, the row of a table for `side * side` of them: a smaller picture takes rows from all over it, `[N]`. */
export const tablePositions = (rows: number, columns: number, side: number): MxArray => {
  const row = mx.expandDims(buckets(rows, side), 1).multiply(side);
  return mx.flatten(row.add(buckets(columns, side)));
};
