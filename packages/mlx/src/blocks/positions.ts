import type { LayerCache } from "../cache/index.ts";
import { add, arange, expandDims, type MxArray, maximum } from "../core/index.ts";

/** The next `L` positions, int32 `[L]`, or `[B, L]` where rows differ; those of padding count as the first. */
export const nextPositions = (offset: LayerCache["offset"], L: number): MxArray =>
  typeof offset === "number"
    ? arange(offset, offset + L)
    : maximum(add(expandDims(offset, 1), arange(0, L)), 0);
