import { type MxArray, reshape, transpose } from "../core/index.ts";

/**
 * Squares of patches side by side, row by row.
 *
 * @param x - `[B, rows * columns, E]`
 * @param scale - patches along a square; divides rows and columns
 * @returns `[B, rows * columns / scale ** 2, E * scale ** 2]`
 */
export const patchSquares = (x: MxArray, rows: number, columns: number, scale: number): MxArray => {
  const [B = 1, , E = 1] = x.shape;
  const [H, W] = [rows / scale, columns / scale];
  const squares = reshape(x, [B, H, scale, W, scale, E]);
  return reshape(transpose(squares, [0, 1, 3, 2, 4, 5]), [B, H * W, E * scale * scale]);
};
