import { array, float32, type MxArray, matmul, reshape } from "../core/index.ts";

export interface ResizeOptions {
  /** Where a grid gets smaller, a point takes all those it stands for. Default false: the nearest two alone */
  readonly antialias?: boolean;
}

/** How much each of `from` points in a line counts for each of `to`, float32 `[to, from]`, as torch's bilinear resizing. */
const shares = (from: number, to: number, { antialias = false }: ResizeOptions): MxArray => {
  const scale = from / to;
  const reach = antialias ? Math.max(scale, 1) : 1;
  const rows = Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * scale - 0.5;
    const center = reach > 1 ? middle : Math.min(Math.max(middle, 0), from - 1); // at the edges nothing lies beyond
    const row = Array.from({ length: from }, (__, j) => Math.max(0, 1 - Math.abs(j - center) / reach));
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((share) => share / sum);
  });
  return array(rows, float32);
};

/** A grid of features `[H, W, E]` with other numbers of rows and columns, between which it goes linearly. */
export const resizeGrid = (
  x: MxArray,
  rows: number,
  columns: number,
  options: ResizeOptions = {},
): MxArray => {
  const [H = 1, W = 1, E = 1] = x.shape;
  if (H === rows && W === columns) return x;
  const tall = matmul(shares(H, rows, options), reshape(x.astype(float32), [H, W * E]));
  const whole = matmul(shares(W, columns, options), reshape(tall, [rows, W, E])); // [rows, columns, E]
  return whole.astype(x.dtype);
};
