/** Attention over keys and values that are already in the cache's order. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { Mask } from "./mask.ts";

export interface AttentionOptions {
  /** Multiplies the scores; usually `D ** -0.5`. */
  scale: number;
  mask?: Mask;
  /** Per-head logits that take part in the softmax but give no value, `[H]`. */
  sinks?: MxArray;
}

/**
 * Softmax attention with grouped-query heads.
 *
 * @param q - `[B, H, L, D]`
 * @param k - `[B, K, S, D]`; `H` is a multiple of `K`
 * @param v - `[B, K, S, D]`
 * @returns `[B, H, L, D]`, dtype of `q`
 */
export const attention = (
  q: MxArray,
  k: MxArray,
  v: MxArray,
  { scale, mask, sinks }: AttentionOptions,
): MxArray => {
  if (mask === "causal") return mx.fast.scaledDotProductAttention(q, k, v, scale, "causal", undefined, sinks);
  return mx.fast.scaledDotProductAttention(q, k, v, scale, mask === undefined ? "" : "array", mask, sinks);
};

/** `[B, L, H * D] -> [B, H, L, D]` */
export const splitHeads = (x: MxArray, B: number, L: number, H: number): MxArray =>
  mx.transpose(mx.reshape(x, [B, L, H, -1]), [0, 2, 1, 3]);

/** `[B, H, L, D] -> [B, L, H * D]` */
export const mergeHeads = (x: MxArray, B: number, L: number): MxArray =>
  mx.reshape(mx.transpose(x, [0, 2, 1, 3]), [B, L, -1]);

/**
 * Attention whose scores are squashed to `cap * tanh(scores / cap)`, as Gemma 2 does.
 *
 * @param q - `[B, H, L, D]`, already scaled
 * @param mask - bool `[L, S]`
 * @see mlx-lm 0.32.2 models/gemma2.py
 */
export const softCappedAttention = (
  q: MxArray,
  k: MxArray,
  v: MxArray,
  cap: number,
  mask: MxArray | undefined,
): MxArray => {
  const [B = 1, H = 1, L = 1, D = 1] = q.shape;
  const K = k.dim(1);
  const isGrouped = H > K;
  const queries = isGrouped ? mx.reshape(q, [B, K, H / K, L, D]) : q;
  const keys = isGrouped ? mx.expandDims(k, 2) : k;
  const values = isGrouped ? mx.expandDims(v, 2) : v;
  let scores = mx.matmul(queries, mx.swapaxes(keys, -1, -2));
  scores = mx.tanh(scores.divide(cap)).multiply(cap);
  if (mask !== undefined) scores = mx.where(mask, scores, mx.finfo(scores.dtype).min);
  const out = mx.matmul(mx.softmax(scores, -1, true), values);
  return isGrouped ? mx.reshape(out, [B, H, L, D]) : out;
};
