import type { MxArray } from "../core/index.ts";
import type { LayerCache } from "./layer-cache.ts";

/** A cache of keys and values that all rows of a batch fill alike. */
export interface KeyValueCache extends LayerCache {
  readonly offset: number;
  /** Tokens so far, those that were dropped included: `offset` before it was shifted. */
  readonly length: number;
  /** Keys and values that new positions may still attend to, oldest first; undefined while empty. */
  contents(): [MxArray, MxArray] | undefined;
  /** A cache of the same kind with these contents, whose next position is `offset`. Default: right behind them. */
  holding(keys: MxArray, values: MxArray, offset?: number): KeyValueCache;
  /** The oldest position that an update with `L` new ones will return. */
  oldest(L: number): number;
  /** The positions that an update with `L` new ones will return, in its order, int32 `[S]`. */
  positions(L: number): MxArray;
}
