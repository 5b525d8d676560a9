/**
 * Which tokens of a prompt may be evaluated with coarse activations. What they predict is never asked for: the answer sees
 * them through keys, values and states alone, where sums over many of them average out what rounding loses. The first ones
 * get much of everybody's attention, and the last ones what the answer goes on from: these are evaluated finely.
 */

const FINE_START = 16;
const FINE_END = 15;
/** Fewer between them are not worth a stretch of their own. */
const LEAST = 64;

/** Tokens that are evaluated at once. */
export interface Stretch {
  size: number;
  /** Whether 8 bits are enough for activations (see `withCoarseActivations`). */
  isCoarse: boolean;
}

const isLong = (last: number): boolean => last - FINE_END - FINE_START >= LEAST;

/**
 * Where a prompt may be taken up at the latest so that its last stretch is the one it has when it is read as a whole.
 *
 * @param last - where its last token is
 */
export const latestStart = (last: number): number => (isLong(last) ? last - FINE_END : last);

/**
 * The longest stretch from `start` on that is evaluated alike. The prompt's last token, which starts the answer, belongs to
 * the fine stretch that ends a prompt with coarse ones, and to no other.
 *
 * @param last - where that token is
 */
export const nextStretch = (start: number, last: number): Stretch => {
  const fineFrom = last - FINE_END;
  if (start >= fineFrom && isLong(last)) return { size: last + 1 - start, isCoarse: false };
  if (fineFrom - Math.max(start, FINE_START) < LEAST) return { size: last - start, isCoarse: false };
  if (start < FINE_START) return { size: FINE_START - start, isCoarse: false };
  return { size: fineFrom - start, isCoarse: true };
};
