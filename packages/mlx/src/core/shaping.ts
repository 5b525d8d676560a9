/** Shape operations with friendlier arguments than the native ones. */
import { InvalidArgumentError } from "../errors.ts";
import type { MxArray } from "./array.ts";
import { splitAt, splitSections } from "./generated/ops.ts";

/** An empty axis divides into any number of sections, billions included; each costs memory. */
const MAX_SECTIONS = 1_000_000;

/**
 * Cuts an array along `axis`, into a number of equal sections or before each of a list of indices.
 *
 * @throws {MlxError} when the axis does not divide into the sections
 * @throws {InvalidArgumentError} on more than a million sections
 */
export const split = (a: MxArray, sections: number | readonly number[], axis = 0): MxArray[] => {
  if (typeof sections !== "number") return splitAt(a, sections, axis);
  if (sections > MAX_SECTIONS) {
    throw new InvalidArgumentError(`Expected at most ${MAX_SECTIONS} sections but received ${sections}`);
  }
  return splitSections(a, sections, axis);
};
