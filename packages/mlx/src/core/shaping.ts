/** Shape operations with friendlier arguments than the native ones. */
import type { MxArray } from "./array.ts";
import { splitAt, splitSections } from "./generated/ops.ts";

/**
 * Cuts an array along `axis`, into a number of equal sections or before each of a list of indices.
 *
 * @throws {MlxError} when the axis does not divide into the sections
 */
export const split = (a: MxArray, sections: number | readonly number[], axis = 0): MxArray[] =>
  typeof sections === "number" ? splitSections(a, sections, axis) : splitAt(a, sections, axis);
