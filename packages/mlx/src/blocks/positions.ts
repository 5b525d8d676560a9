import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** Positions of `L` tokens, the first at `offset`: `[L]`, or `[B, L]` where rows differ; 0 for padding before a row. */
export const positionsFrom = (offset: number | MxArray, L: number): MxArray =>
  typeof offset === "number"
    ? mx.arange(offset, offset + L)
    : mx.maximum(mx.add(mx.expandDims(offset, 1), mx.arange(0, L)), 0);

/** The offset of a cache as it is now, for layers that come after the cache has moved on. */
export const heldOffset = (offset: number | MxArray): number | MxArray =>
  typeof offset === "number" ? offset : offset.add(0);
