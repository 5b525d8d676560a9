/** Attention over keys and values that are already in the cache's order. */

import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import type { Mask } from "./mask.ts";

/** Options of `attention`. */
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

/** Options of `cachedAttention`. */
export interface CachedAttentionOptions extends AttentionOptions {
  rope: PositionEmbedding;
  cache: LayerCache;
}

/**
 * Attention of new positions to all that the cache remembers: queries and keys turn, keys and values are cached.
 *
 * @param q - `[B, H, L, D]`
 * @param k - `[B, K, L, D]`; `H` is a multiple of `K`
 * @param v - `[B, K, L, D]`
 * @returns `[B, L, H * D]`
 */
export const cachedAttention = (
  q: MxArray,
  k: MxArray,
  v: MxArray,
  { rope, cache, ...options }: CachedAttentionOptions,
): MxArray => {
  const turned = rope.forward(q, cache.offset); // [B, H, L, D]
  const [keys, values] = cache.updateAndFetch(rope.forward(k, cache.offset), v); // [B, K, S, D]
  return mergeHeads(attention(turned, keys, values, options), q.dim(0), q.dim(2));
};

/** Heads of one fused projection `[B, L, (H + 2 K) * D]`: q `[B, H, L, D]`, k and v `[B, K, L, D]`. */
export const splitFusedHeads = (x: MxArray, H: number, K: number): [MxArray, MxArray, MxArray] => {
  const [B = 1, L = 1, width = 0] = x.shape;
  const D = width / (H + 2 * K);
  const [q = x, k = x, v = x] = mx.split(x, [H * D, (H + K) * D], -1);
  return [splitHeads(q, B, L, H), splitHeads(k, B, L, K), splitHeads(v, B, L, K)];
};

/**
 * Heads of one fused projection `[B, L, (H + 2 K) * D]` in groups, each the queries of a group, its key and its value:
 * q `[B, H, L, D]`, k and v `[B, K, L, D]`.
 */
export const splitGroupedHeads = (x: MxArray, H: number, K: number): [MxArray, MxArray, MxArray] => {
  const [B = 1, L = 1, width = 0] = x.shape;
  const [G, D] = [H / K, width / (H + 2 * K)];
  const parts = mx.split(mx.reshape(x, [B, L, K, G + 2, D]), [G, G + 1], 3);
  const [q = x, k = x, v = x] = parts.map((part) =>
    mx.transpose(mx.reshape(part, [B, L, -1, D]), [0, 2, 1, 3]),
  );
  return [q, k, v];
};
