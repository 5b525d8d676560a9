import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { positionsFrom } from "./positions.ts";

export interface BlockSparsity {
  /** Positions of one block. */
  readonly blockSize: number;
  /** How many latest blocks a position sees, its own included. */
  readonly localBlocks: number;
  /** Beyond those, every so many blocks, at another one for each head. */
  readonly stride: number;
}

/**
 * Bool `[1, H, L, S]`, or `[B, H, L, S]` where rows differ: the last `L` of `S` positions see the past by blocks.
 *
 * @param offset - position of the first of the `L`; fewer than `S - L` where a row has padding before it
 * @returns undefined where all of the past is in local blocks
 */
export const blockSparseMask = (
  H: number,
  offset: number | MxArray,
  L: number,
  S: number,
  { blockSize, localBlocks, stride }: BlockSparsity,
): MxArray | undefined => {
  if (S <= localBlocks * blockSize) return undefined;
  const padding = mx.reshape(
    typeof offset === "number" ? mx.full([1], S - L - offset, mx.int32) : mx.subtract(S - L, offset),
    [-1, 1],
  ); // [B, 1]
  const key = mx.reshape(mx.subtract(mx.arange(0, S), padding), [-1, 1, 1, S]);
  const at = mx.reshape(positionsFrom(offset, L), [-1, 1, L, 1]);
  const head = mx.reshape(mx.arange(1, H + 1), [1, H, 1, 1]);
  const [atBlock, keyBlock] = [mx.floorDivide(at, blockSize), mx.floorDivide(key, blockSize)];
  const isLocal = mx.less(mx.subtract(atBlock, keyBlock), localBlocks);
  const isStrided = mx.equal(mx.remainder(mx.add(keyBlock, head), stride), 0); // [B, H, 1, S]
  const isPast = mx.logicalAnd(mx.greaterEqual(at, key), mx.greaterEqual(key, 0)); // [B, 1, L, S]
  return mx.logicalAnd(isPast, mx.logicalOr(isLocal, isStrided));
};
