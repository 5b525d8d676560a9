/** Attention of each query to rows of its own choice. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** Rows that are keys and values at once, `[B, N, D]`, and which of them each query sees, `[B, L, k]`; -1 for none. */
export type Choosable = [rows: MxArray, chosen: MxArray];

/** The rows of a window of `W` that each of `L` new ones behind `previous` others sees, `[L, k]`; -1 for none. */
export const windowRows = (previous: number, L: number, W: number): MxArray => {
  const width = Math.min(W, previous + L);
  const last = mx.expandDims(mx.arange(previous, previous + L), 1); // [L, 1]
  const first = mx.maximum(last.subtract(W - 1), 0);
  const rows = mx.add(first, mx.arange(0, width));
  return mx.where(mx.greater(rows, last), -1, rows);
};

const gather = ([rows, chosen]: Choosable): MxArray => {
  const [B = 1, N = 1, D = 1] = rows.shape;
  const starts = mx.reshape(mx.arange(0, B * N, N), [B, 1, 1]); // of each batch row among all
  return mx.take(mx.reshape(rows, [B * N, D]), mx.add(mx.maximum(chosen, 0), starts), 0); // [B, L, k, D]
};

/**
 * Softmax attention with one key head, in float32.
 *
 * @param q - `[B, H, L, D]`
 * @param sources - where the rows come from
 * @param sinks - logits that take part in the softmax but give no value, `[H]`
 * @returns `[B, H, L, D]`, dtype of `q`
 */
export const attendToChosen = (
  q: MxArray,
  sources: readonly Choosable[],
  { scale, sinks }: { scale: number; sinks: MxArray },
): MxArray => {
  const [B = 1, H = 1, L = 1, D = 1] = q.shape;
  const queries = mx.reshape(mx.transpose(q, [0, 2, 1, 3]), [B * L, H, 1, D]); // each with keys of its own
  const keys = mx.reshape(mx.concatenate(sources.map(gather), 2), [B * L, 1, -1, D]).astype(mx.float32);
  const chosen = mx.concatenate(
    sources.map(([, rows]) => rows),
    -1,
  );
  const mask = mx.reshape(mx.greaterEqual(chosen, 0), [B * L, 1, 1, -1]);
  const out = mx.fast.scaledDotProductAttention(
    queries.astype(mx.float32),
    keys,
    keys,
    scale,
    "array",
    mask,
    sinks.astype(mx.float32),
  );
  return mx.transpose(mx.reshape(out, [B, L, H, D]), [0, 2, 1, 3]).astype(q.dtype);
};
