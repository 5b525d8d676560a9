import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

export interface BlockSparsity {
  /** Positions of one block. */
  readonly blockSize: number;
  /** How many latest blocks a position sees, its own included. */
  readonly localBlocks: number;
  /** Beyond those, every so many blocks, at another one for each head. */
  readonly stride: number;
}

/**
 * Bool `[1, H, L, S]`: the last `L` of `S` positions see the past by blocks.
 *
 * @returns undefined where all of the past is in local blocks
 */
export const blockSparseMask = (
  H: number,
  L: number,
  S: number,
  { blockSize, localBlocks, stride }: BlockSparsity,
): MxArray | undefined => {
  if (S <= localBlocks * blockSize) return undefined;
  const at = mx.reshape(mx.arange(S - L, S), [1, L, 1]);
  const key = mx.reshape(mx.arange(0, S), [1, 1, S]);
  const head = mx.reshape(mx.arange(1, H + 1), [H, 1, 1]);
  const [atBlock, keyBlock] = [mx.floorDivide(at, blockSize), mx.floorDivide(key, blockSize)];
  const isLocal = mx.less(mx.subtract(atBlock, keyBlock), localBlocks);
  const isStrided = mx.equal(mx.remainder(mx.add(keyBlock, head), stride), 0); // [H, 1, S]
  const seen = mx.logicalAnd(mx.greaterEqual(at, key), mx.logicalOr(isLocal, isStrided));
  return mx.expandDims(seen, 0);
};
