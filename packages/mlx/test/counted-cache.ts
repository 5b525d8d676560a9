/** Caches that hold where each of their positions stands. */
import type { LayerCache } from "../src/cache/index.ts";
import * as mx from "../src/core/index.ts";

/** Equal features, as many as a quantized cache takes: quantized in one group they stay what they are. */
const D = 32;

const countFrom = (start: number, L: number): mx.MxArray =>
  mx.broadcastTo(mx.arange(start, start + L, 1, mx.float32).reshape(1, 1, L, 1), [1, 1, L, D]);

/**
 * Appends keys that count from `start`, and values that are a half more.
 *
 * @returns keys and values that a position sees then, one number each, in the order of the buffer
 */
export const appendCounted = (cache: LayerCache, start: number, L: number): number[][] =>
  cache
    .updateAndFetch(countFrom(start, L), countFrom(start + 0.5, L))
    .map((all) => mx.index(all, [], [], [], 0).reshape(-1).toArray() as number[]);

/** A cache with stretches of these lengths one behind the other, and the position behind them. */
export const filled = (
  make: () => LayerCache,
  lengths: readonly number[],
  append: (cache: LayerCache, start: number, L: number) => unknown = appendCounted,
): { cache: LayerCache; end: number } => {
  const cache = make();
  let end = 0;
  for (const L of lengths) {
    append(cache, end, L);
    end += L;
  }
  return { cache, end };
};
