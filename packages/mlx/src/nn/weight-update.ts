/** What an adapter makes of a weight matrix, beside it: the matrix itself stays as it is. */
import {
  addmm,
  expandDims,
  float32,
  type MxArray,
  matmul,
  multiply,
  take,
  transpose,
} from "../core/index.ts";

/** `x @ W.T + x @ down @ up` instead of `x @ W.T`, for `W` of `[N, K]` or a stack of them. */
export interface WeightUpdate {
  /** `[K, r]`, or `[X, K, r]`. Products of few rows want it column by column in memory. */
  readonly down: MxArray;
  /** `[r, N]`, or `[X, r, N]` */
  readonly up: MxArray;
  /** Multiplies what comes of each row of the updated matrix, `[N]`. Of single matrices only. Default: all are 1. */
  readonly gains?: MxArray;
}

const inDtypeOf = (y: MxArray, x: MxArray): MxArray => (y.dtype === x.dtype ? y : y.astype(x.dtype));

/**
 * The product of `x` with an updated matrix.
 *
 * @param x - `[..., K]`
 * @param product - `x @ W.T`, `[..., N]`
 * @returns `[..., N]`, dtype of `x`
 */
export const updatedProduct = (x: MxArray, product: MxArray, { down, up, gains }: WeightUpdate): MxArray => {
  const y = addmm(product, matmul(x, down), up); // [..., N]
  return inDtypeOf(gains === undefined ? y : multiply(y, gains), x);
};

/**
 * Rows of an updated matrix.
 *
 * @param ids - `[...]`
 * @param rows - those of `W`, `[..., K]`
 * @returns `[..., K]`, dtype of `rows`
 */
export const updatedRows = (ids: MxArray, rows: MxArray, { down, up, gains }: WeightUpdate): MxArray => {
  const low = take(transpose(up), ids, 0).astype(float32); // [..., r]
  const sum = rows.add(matmul(low, transpose(down))); // [..., K]
  return inDtypeOf(gains === undefined ? sum : multiply(sum, expandDims(take(gains, ids, 0), -1)), rows);
};

/** A dense matrix `[N, K]` updated, in its dtype. */
export const updatedMatrix = (weight: MxArray, { down, up, gains }: WeightUpdate): MxArray => {
  const sum = weight.add(transpose(matmul(down.astype(float32), up))); // [N, K]
  return inDtypeOf(gains === undefined ? sum : multiply(sum, expandDims(gains, -1)), weight);
};
