import type { StoredDtype } from "./stored-dtype.ts";

/**
 * Where a tensor lies on disk, proven: `byteLength` bytes at `offset` are inside the file, belong to no other
 * tensor, and are exactly `shape` elements of `dtype`, row-major and little-endian.
 */
export interface TensorSource {
  name: string;
  /** The file that holds it. */
  path: string;
  /** From the start of the file, in bytes; not necessarily aligned to the element size. */
  offset: number;
  byteLength: number;
  dtype: StoredDtype;
  /** Row-major, each at most 2^31 - 1; empty for a scalar. */
  shape: number[];
}
