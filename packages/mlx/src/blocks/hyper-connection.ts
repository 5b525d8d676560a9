import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module } from "../nn/index.ts";

/** Keys of a config that `HyperConnection` reads. */
export interface HyperConnectionConfig {
  readonly hidden_size: number;
  readonly hc_mult: number;
  readonly hc_sinkhorn_iters: number;
  readonly hc_eps: number;
  readonly rms_norm_eps: number;
}

/** How a branch joins `N` residual streams, float32. */
export interface Mixing {
  /** What the next branch sees of each stream, `[B, L, N]`. */
  readonly pre: MxArray;
  /** What each stream takes of the answer, `[B, L, N]`. */
  readonly post: MxArray;
  /** What streams take of one another, `[B, L, N, N]`. */
  readonly comb: MxArray;
}

/** Rows and columns divided by their sums in turns, so that all come near one. */
const sinkhorn = (matrix: MxArray, iterations: number, eps: number): MxArray => {
  const normed = (m: MxArray, axis: number) => mx.divide(m, mx.sum(m, axis, true).add(eps));
  let result = normed(matrix, -2);
  for (let i = 1; i < iterations; i++) result = normed(normed(result, -1), -2);
  return result;
};

/** Several residual streams instead of one. @see https://arxiv.org/abs/2512.24880 */
export class HyperConnection extends Module {
  fn: MxArray;
  base: MxArray;
  scale: MxArray;
  readonly #c: HyperConnectionConfig;

  constructor(c: HyperConnectionConfig) {
    super();
    const N = c.hc_mult;
    this.fn = mx.zeros([(2 + N) * N, N * c.hidden_size]);
    this.base = mx.zeros([(2 + N) * N]);
    this.scale = mx.ones([3]);
    this.#c = c;
  }

  /** @param streams - `[B, L, N, E]` */
  mixing(streams: MxArray): Mixing {
    const { hc_mult: N, hc_eps, hc_sinkhorn_iters, rms_norm_eps } = this.#c;
    const flat = mx.fast.rmsNorm(mx.flatten(streams, 2, 3).astype(mx.float32), null, rms_norm_eps); // [B, L, N E]
    const parts = [...Array(N).fill(0), ...Array(N).fill(1), ...Array(N * N).fill(2)]; // of pre, post and comb
    const scale = mx.take(this.scale, mx.array(parts, mx.int32));
    const mix = mx.add(mx.multiply(mx.matmul(flat, mx.transpose(this.fn)), scale), this.base); // [B, L, (2 + N) N]
    const [pre = mix, post = mix, comb = mix] = mx.split(mix, [N, 2 * N], -1);
    const shares = mx.softmax(mx.unflatten(comb, -1, [N, N]), -1).add(hc_eps); // [B, L, N, N]
    return {
      pre: mx.sigmoid(pre).add(hc_eps),
      post: mx.sigmoid(post).multiply(2),
      comb: sinkhorn(shares, hc_sinkhorn_iters, hc_eps),
    };
  }
}

/** What a branch sees of streams `[B, L, N, E]`: `[B, L, E]`. */
export const collapseStreams = (streams: MxArray, pre: MxArray): MxArray =>
  mx.sum(mx.multiply(mx.expandDims(pre, -1), streams.astype(mx.float32)), 2).astype(streams.dtype);

/** Streams `[B, L, N, E]` after an answer `[B, L, E]`. */
export const expandStreams = (answer: MxArray, streams: MxArray, { post, comb }: Mixing): MxArray => {
  const mixed = mx.sum(mx.multiply(mx.expandDims(comb, -1), mx.expandDims(streams, 3)), 2); // [B, L, N, E]
  const taken = mx.multiply(mx.expandDims(post, -1), mx.expandDims(answer, 2));
  return mx.add(taken, mixed).astype(streams.dtype);
};
