/** From states of positions to one vector of a text. @see sentence-transformers 6.2 modules/pooling.py */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";

/** How the states of a text become one: sentence-transformers' names. */
export const poolingModes = [
  "cls",
  "max",
  "mean",
  "mean_sqrt_len_tokens",
  "weightedmean",
  "lasttoken",
] as const;

/** One of {@link poolingModes}. */
export type PoolingMode = (typeof poolingModes)[number];

/** Which positions of a row count: those from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What the state of position `i` is multiplied by, for modes that add up states. */
const weightOf: Readonly<Record<Exclude<PoolingMode, "max">, (i: number, span: Span) => number>> = {
  cls: (i, { start }) => (i === start ? 1 : 0),
  lasttoken: (i, { end }) => (i === end - 1 ? 1 : 0),
  mean: (_, { start, end }) => 1 / (end - start),
  mean_sqrt_len_tokens: (_, { start, end }) => 1 / Math.sqrt(end - start),
  weightedmean: (i, { start, end }) => (i + 1) / (((start + 1 + end) * (end - start)) / 2),
};

/** `[B, L]`, by rows of `weight` within spans and `outside` them. */
const table = (
  spans: readonly Span[],
  L: number,
  weight: (i: number, span: Span) => number,
  outside: number,
): MxArray => {
  const values = new Float32Array(spans.length * L).fill(outside);
  for (const [row, span] of spans.entries())
    for (let i = span.start; i < span.end; i++) values[row * L + i] = weight(i, span);
  return mx.array(values, mx.float32, [spans.length, L]);
};

const poolBy = (states: MxArray, spans: readonly Span[], mode: PoolingMode): MxArray => {
  const L = states.dim(1);
  if (mode === "max") {
    const hidden = table(spans, L, () => 0, Number.NEGATIVE_INFINITY);
    return mx.max(mx.add(states, mx.expandDims(hidden, 2)), 1);
  }
  const weights = mx.expandDims(table(spans, L, weightOf[mode], 0), 1); // [B, 1, L]
  return mx.squeeze(mx.matmul(weights, states), 1);
};

/**
 * One vector of each row, in float32.
 *
 * @param states - `[B, L, E]`
 * @param spans - the positions of each row that count, one at least
 * @param modes - several give vectors one behind the other
 * @returns `[B, E * modes]`
 */
export const pool = (states: MxArray, spans: readonly Span[], modes: readonly PoolingMode[]): MxArray => {
  const wide = states.astype(mx.float32);
  const vectors = modes.map((mode) => poolBy(wide, spans, mode)); // [B, E] each
  return mx.concatenate(vectors, -1);
};
