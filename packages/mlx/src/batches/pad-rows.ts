import { array, int32, type MxArray } from "../core/index.ts";

/** Rows of integers as int32 `[B, L]`, zeros behind those that are shorter than the longest. */
export const padRows = (rows: readonly (readonly number[])[]): MxArray => {
  const L = Math.max(...rows.map((row) => row.length));
  const values = new Int32Array(rows.length * L);
  for (const [row, numbers] of rows.entries()) values.set(numbers, row * L);
  return array(values, int32, [rows.length, L]);
};
