import { array, flatten, float32, type MxArray, matmul, reshape } from "../core/index.ts";

/** PyTorch's; Pillow's images are stretched by -0.5. */
const SHARPNESS = -0.75;

const cubic = (distance: number): number => {
  const x = Math.abs(distance);
  if (x <= 1) return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
  return x < 2 ? SHARPNESS * (((x - 5) * x + 8) * x - 4) : 0;
};

/** What each of `from` rows gives to each of `to`, `[to, from]`; rows beyond an edge are those at it. */
const sharesOf = (from: number, to: number): MxArray => {
  const shares = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const at = ((row + 0.5) / to) * from - 0.5;
    for (let near = Math.floor(at) - 1; near <= Math.floor(at) + 2; near++) {
      const cell = row * from + Math.min(Math.max(near, 0), from - 1);
      shares[cell] = (shares[cell] ?? 0) + cubic(at - near);
    }
  }
  return array(shares, float32, [to, from]);
};

/**
 * A table of positions stretched over an image bicubically, as PyTorch does it: a row for each patch, from the top.
 *
 * @param table - `[H, W, E]`
 * @returns `[rows * columns, E]`, dtype of the table
 */
export const stretchedTable = (table: MxArray, rows: number, columns: number): MxArray => {
  const [H = 1, W = 1, E = 1] = table.shape;
  const tall = matmul(sharesOf(H, rows), reshape(table.astype(float32), [H, W * E])); // [rows, W * E]
  const wide = matmul(sharesOf(W, columns), reshape(tall, [rows, W, E])); // [rows, columns, E]
  return flatten(wide, 0, 1).astype(table.dtype);
};
