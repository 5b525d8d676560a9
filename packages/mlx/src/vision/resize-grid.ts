import { array, float32, type MxArray, matmul, reshape } from "../core/index.ts";

/** How a grid gets other sizes: as torch's `interpolate` does, without aligned corners. */
export interface ResizeOptions {
  /** Between the nearest two points, or along a curve through the nearest four. Default `linear` */
  readonly by?: "linear" | "cubic";
  /** Where a grid gets smaller by lines, a point takes all those it stands for. Default false */
  readonly antialias?: boolean;
}

/** How steep the curve is at the points, as in torch: also by whether points are taken together. */
const [CUBIC, WIDE_CUBIC] = [-0.75, -0.5];

/** What a point counts for at a distance. */
const kernels = {
  linear: (distance: number): number => Math.max(0, 1 - distance),
  cubic: (distance: number, antialias: boolean): number => {
    const [d, a] = [distance, antialias ? WIDE_CUBIC : CUBIC];
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? a * (((d - 5) * d + 8) * d - 4) : 0;
  },
};

/** How much each of `from` points in a line counts for each of `to`, float32 `[to, from]`. */
const shares = (from: number, to: number, { by = "linear", antialias = false }: ResizeOptions): MxArray => {
  const scale = from / to;
  const rows = Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale - 0.5;
    const row = Array<number>(from).fill(0);
    const reach = antialias ? Math.max(scale, 1) : 1;
    for (let j = Math.floor(center - 2 * reach); j <= Math.ceil(center + 2 * reach); j++) {
      if (antialias && (j < 0 || j >= from)) continue;
      const at = Math.min(Math.max(j, 0), from - 1); // beyond an edge lies what lies at it
      row[at] = (row[at] ?? 0) + kernels[by](Math.abs(j - center) / reach, antialias);
    }
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((share) => share / sum);
  });
  return array(rows, float32);
};

/** A grid of features `[H, W, E]` with other numbers of rows and columns. */
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
