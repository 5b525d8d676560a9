/** A short convolution that goes on, as one operation of the CPU. */
import { adopt, handleOf, type MxArray } from "./array.ts";
import { native } from "./native.ts";

/**
 * The convolution of each channel over a position and those before it, of which the first are in `past`. Float32 all.
 *
 * @param x - `[B, L, C]`
 * @param taps - `[W, C]`
 * @param past - `[B, W - 1, C]`
 * @returns `[B, L, C]`, and the past of what comes next; undefined where this is not computed here
 */
export const shortConv = (
  x: MxArray,
  taps: MxArray,
  past: MxArray,
): { y: MxArray; past: MxArray } | undefined => {
  const [y, next] = native.shortConv(handleOf(x), handleOf(taps), handleOf(past));
  return y === undefined || next === undefined ? undefined : { y: adopt(y), past: adopt(next) };
};
