/** Attention to the blocks of keys that an indexer chooses. */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { causalMask, type Mask } from "./mask.ts";

/** How a layer chooses blocks of keys. */
export interface BlockIndexer {
  readonly heads: number;
  readonly dims: number;
  readonly blockSize: number;
  /** Blocks that a query keeps. */
  readonly kept: number;
  /** How many of them, at least, are the query's own and those just before. */
  readonly local: number;
}

/** The largest score in each block, `[B, H, L, S] -> [B, H, L, N]`. */
const bestOfBlocks = (scores: MxArray, blockSize: number): MxArray => {
  const blocks = Math.ceil(scores.dim(-1) / blockSize);
  const missing = blocks * blockSize - scores.dim(-1);
  const filled = missing === 0 ? scores : mx.pad(scores, [-1], [0], [missing], Number.NEGATIVE_INFINITY);
  return mx.max(mx.unflatten(filled, -1, [blocks, blockSize]), -1);
};

/** Bool `[L, N]`: the last `local` blocks up to the one that a query is in. */
const localBlocks = (L: number, S: number, { blockSize, local }: BlockIndexer): MxArray => {
  const own = mx.expandDims(mx.floorDivide(mx.arange(S - L, S), blockSize), 1); // [L, 1]
  const ids = mx.arange(0, Math.ceil(S / blockSize)); // [N]
  return mx.logicalAnd(mx.lessEqual(ids, own), mx.greater(ids, own.subtract(local)));
};

/**
 * The mask narrowed to the blocks of keys whose best score is among the highest of a query.
 *
 * @param q - of the indexer, `[B, H, L, D]`
 * @param keys - of the indexer, `[B, 1, S, D]`, more than fit the blocks that are kept
 * @returns `[B, H, L, S]`
 */
export const chooseBlocks = (q: MxArray, keys: MxArray, mask: Mask, indexer: BlockIndexer): MxArray => {
  const { blockSize, kept } = indexer;
  const [L, S] = [q.dim(2), keys.dim(2)];
  const scores = mx.matmul(q.astype(mx.float32), mx.swapaxes(keys.astype(mx.float32), -1, -2)); // [B, H, L, S]
  const visible = mask === undefined || mask === "causal" ? causalMask(L, S - L) : mask;
  // a future key must not win a block
  const best = bestOfBlocks(mx.where(visible, scores, Number.NEGATIVE_INFINITY), blockSize); // [B, H, L, N]
  const preferred = mx.where(localBlocks(L, S, indexer), Number.POSITIVE_INFINITY, best);
  const chosen = mx.index(mx.argpartition(mx.negative(preferred), kept - 1), "...", [0, kept]);
  const isKept = mx.putAlongAxis(mx.zeros(preferred.shape, mx.bool_), chosen, true, -1);
  const wide = mx.index(mx.repeat(isKept, blockSize, -1), "...", [0, S]); // [B, H, L, S]
  return mx.logicalAnd(wide, visible);
};
