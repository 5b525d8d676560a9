import type { MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";

/** What a cache holds of one sequence, for a cache of the same layer in another process. */
export interface CacheSnapshot {
  /** By slot; undefined where there is nothing. */
  readonly arrays: readonly (MxArray | undefined)[];
  /** What the arrays do not tell. */
  readonly counts: readonly number[];
  /** Of the caches of a layer's parts. */
  readonly parts: readonly CacheSnapshot[];
}

/** Fails for a snapshot that cannot be one of the cache's layer. @throws {InvalidArgumentError} */
export const refuseSnapshot = (): never => {
  throw new InvalidArgumentError("What was kept of a prompt does not fit the layers of this model");
};

/** The axes along which an array is longer or shorter than `own`; -1 where it is of another kind. */
export const differingAxes = (own: MxArray, { dtype, shape }: MxArray): number[] => {
  if (dtype !== own.dtype || shape.length !== own.shape.length) return [-1];
  return shape.flatMap((size, axis) => (size === own.shape[axis] ? [] : [axis]));
};

/**
 * Keys and values of a snapshot, `[B, K, S, D]`, that may take the place of a cache's own; undefined where both have none.
 *
 * @throws {InvalidArgumentError} when they differ in more than their positions
 */
export const fittingKeys = (
  own: readonly MxArray[],
  { arrays }: CacheSnapshot,
): [MxArray, MxArray] | undefined => {
  if (own.length === 0 && arrays.length === 0) return undefined;
  const [[ownKeys, ownValues], [keys, values]] = [own, arrays];
  if (arrays.length !== 2 || !keys || !values || !ownKeys || !ownValues) return refuseSnapshot();
  const inPositions = (axes: readonly number[]): boolean => axes.every((axis) => axis === 2);
  const fit = inPositions(differingAxes(ownKeys, keys)) && inPositions(differingAxes(ownValues, values));
  return fit && keys.dim(2) > 0 && keys.dim(2) === values.dim(2) ? [keys, values] : refuseSnapshot();
};

/** The counts of a snapshot. @throws {InvalidArgumentError} unless they are so many whole numbers */
export const fittingCounts = ({ counts }: CacheSnapshot, many: number): readonly number[] =>
  counts.length === many && counts.every((n) => Number.isSafeInteger(n) && n >= 0)
    ? counts
    : refuseSnapshot();
