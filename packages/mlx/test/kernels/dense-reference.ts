/** Products in double precision, to hold kernels against. */
import type { MxArray } from "../../src/core/index.ts";

/**
 * Largest error of `product` (`[M, N]` values) against double-precision sums over `x [M, K]` and `weights [N, K]`, relative
 * to the norms of the row and the column multiplied: what f32 sums of any order keep small.
 */
export function largestError(x: MxArray, weights: MxArray, product: MxArray): number {
  const [xs, ws, out] = [x, weights, product].map((a) => a.toTypedArray() as Float32Array);
  const [N = 0, K = 0] = weights.shape;
  if (xs === undefined || ws === undefined || out === undefined) throw new Error("unreachable");
  if (out.length !== (xs.length / K) * N)
    throw new Error(`expected M x ${N} values but received ${out.length}`);
  let largest = 0;
  for (let i = 0; i < out.length; i++) {
    const [m, n] = [Math.floor(i / N), i % N];
    let [sum, xx, ww] = [0, 0, 0];
    for (let k = 0; k < K; k++) {
      const [a, b] = [xs[m * K + k] ?? 0, ws[n * K + k] ?? 0];
      sum += a * b;
      xx += a * a;
      ww += b * b;
    }
    const error = Math.abs((out[i] ?? Number.NaN) - sum) / Math.sqrt(xx * ww + 1e-30);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}
