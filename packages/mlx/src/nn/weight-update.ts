/** What an adapter makes of a weight matrix, beside it: the matrix itself stays as it is. */
import { addmm, expandDims, type MxArray, matmul, multiply, take, transpose } from "../core/index.ts";

/** `W + up @ down` instead of `W`, of `[N, K]` or of a stack `[X, N, K]`. */
export interface WeightUpdate {
  /** `[N, r]`, or `[X, N, r]` */
  readonly up: MxArray;
  /** `[r, K]`, or `[X, r, K]` */
  readonly down: MxArray;
  /** Multiplies the rows of the sum, `[N]`. Of single matrices only. Default: all are 1. */
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
export const updatedProduct = (x: MxArray, product: MxArray, { up, down, gains }: WeightUpdate): MxArray => {
  const y = addmm(product, matmul(x, transpose(down)), transpose(up)); // [..., N]
  return inDtypeOf(gains === undefined ? y : multiply(y, gains), x);
};

/**
 * Rows of an updated matrix.
 *
 * @param ids - `[...]`
 * @param rows - those of `W`, `[..., K]`
 * @returns `[..., K]`, dtype of `rows`
 */
export const updatedRows = (ids: MxArray, rows: MxArray, { up, down, gains }: WeightUpdate): MxArray => {
  const sum = rows.add(matmul(take(up, ids, 0), down)); // [..., K]
  return inDtypeOf(gains === undefined ? sum : multiply(sum, expandDims(take(gains, ids, 0), -1)), rows);
};

/** A dense matrix `[N, K]` updated, in its dtype. */
export const updatedMatrix = (weight: MxArray, { up, down, gains }: WeightUpdate): MxArray => {
  const sum = weight.add(matmul(up, down)); // [N, K]
  return inDtypeOf(gains === undefined ? sum : multiply(sum, expandDims(gains, -1)), weight);
};
