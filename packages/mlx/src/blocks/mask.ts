/** Attention masks. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** `undefined` attends to everything, `"causal"` to the past, an array to where it is true (or adds its values). */
export type Mask = MxArray | "causal" | undefined;

/** Which of the earlier positions are seen. */
export interface MaskOptions {
  /** Attend only to this many latest positions. */
  window?: number | undefined;
  /** Attend only within chunks of this many positions, counted from the first. */
  chunk?: number | undefined;
  /** Insist on an array where `"causal"` would do. */
  asArray?: boolean;
}

/** Bool `[L, offset + L]`: position `offset + i` sees positions up to itself, within the window. */
export const causalMask = (L: number, offset = 0, window?: number): MxArray => {
  const keys = mx.expandDims(mx.arange(0, offset + L), 0);
  const queries = mx.expandDims(mx.arange(offset, offset + L), 1);
  const past = mx.greaterEqual(queries, keys);
  return window === undefined ? past : mx.logicalAnd(past, mx.less(queries, keys.add(window)));
};

/** The mask of `L` new positions, the last of `S`, as an array; undefined where it hides nothing. */
export const visibleKeys = (mask: Mask, L: number, S: number): MxArray | undefined =>
  mask === "causal" ? causalMask(L, S - L) : mask;

/** Bool `[L, offset - start + L]`: a position sees those since `start`, up to itself, that are in its chunk. */
export const chunkedMask = (
  L: number,
  { offset = 0, start = 0, chunk }: { offset?: number; start?: number; chunk: number },
): MxArray => {
  const keys = mx.expandDims(mx.arange(start, offset + L), 0);
  const queries = mx.expandDims(mx.arange(offset, offset + L), 1);
  const isSameChunk = mx.equal(mx.floorDivide(keys, chunk), mx.floorDivide(queries, chunk));
  return mx.logicalAnd(isSameChunk, mx.lessEqual(keys, queries));
};

/** The cheapest mask for `L` new positions after `offset` cached ones. */
export const attentionMask = (
  L: number,
  offset: number,
  { window, chunk, asArray = false }: MaskOptions = {},
): Mask => {
  if (chunk !== undefined) return chunkedMask(L, { offset, chunk });
  if (window !== undefined) return causalMask(L, offset, window);
  if (L === 1) return undefined;
  return asArray ? causalMask(L, offset) : "causal";
};

const paddings = new WeakMap<MxArray, readonly number[]>();

/** Remembers of a mask that it hides nothing but as many first positions of each row of a batch. */
export const hidePadding = (mask: MxArray, padding: readonly number[]): MxArray => {
  paddings.set(mask, padding);
  return mask;
};

const windows = new WeakMap<MxArray, number>();

/** Remembers of a mask that each position sees itself and those before it, but only so many. */
export const ofWindow = (mask: MxArray, window: number): MxArray => {
  windows.set(mask, window);
  return mask;
};

/** How many positions each sees, itself included; undefined under other masks. */
export const windowOf = (mask: Mask): number | undefined =>
  mask === undefined || mask === "causal" ? undefined : windows.get(mask);

const NO_PADDING: readonly number[] = [];

/** How many first positions of each row the mask hides; undefined unless it hides nothing else. */
export const hiddenPadding = (mask: Mask): readonly number[] | undefined => {
  if (mask === undefined) return NO_PADDING;
  return mask === "causal" ? undefined : paddings.get(mask);
};
