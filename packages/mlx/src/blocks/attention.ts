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

/**
 * Attention whose scores are squashed to `cap * tanh(scores / cap)`, as Gemma 2 does.
 *
 * @param q - `[B, H, L, D]`
 * @param k - `[B, K, S, D]`; `H` is a multiple of `K`
 * @param v - `[B, K, S, D]`
 * @returns `[B, H, L, D]`
 */
export const softCappedAttention = (
  q: MxArray,
  k: MxArray,
  v: MxArray,
  { scale, mask, cap }: Omit<AttentionOptions, "sinks"> & { cap: number },
): MxArray => {
  if (mask === "causal") return mx.fast.softCappedAttention(q, k, v, scale, cap, "causal");
  return mx.fast.softCappedAttention(q, k, v, scale, cap, mask === undefined ? "" : "array", mask);
};

/** `[B, L, H * D] -> [B, H, L, D]` */
export const splitHeads = (x: MxArray, B: number, L: number, H: number): MxArray =>
  mx.transpose(mx.reshape(x, [B, L, H, -1]), [0, 2, 1, 3]);

/** `[B, H, L, D] -> [B, L, H * D]` */
export const mergeHeads = (x: MxArray, B: number, L: number): MxArray =>
  mx.reshape(mx.transpose(x, [0, 2, 1, 3]), [B, L, -1]);
