import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { softplus } from "../nn/index.ts";
import { segmentSums } from "./segment-sums.ts";

/** Positions that are computed at once, as attention is. */
const CHUNK = 256;

/** What a state-space layer reads. */
export interface StateSpaceInputs {
  /** `[B, L, H, P]` */
  readonly x: MxArray;
  /** How long each position lasts, float32 `[B, L, H]`; 0 leaves the state as it is. */
  readonly dt: MxArray;
  /** `[H]`: how fast the state fades is `-exp` of it. */
  readonly A_log: MxArray;
  /** How positions enter the state, `[B, L, G, N]`; `H` is a multiple of `G`. */
  readonly B: MxArray;
  /** How the state is read, `[B, L, G, N]`. */
  readonly C: MxArray;
  /** `[H]`: what of `x` goes past the state. */
  readonly D: MxArray;
  /** `[B, H, P, N]`; empty by default. */
  readonly state?: MxArray | undefined;
}

/** Time steps as Mamba 2 reads them: `softplus(dt + bias)` within limits, float32. */
export const timeSteps = (dt: MxArray, bias: MxArray, [min, max]: readonly [number, number]): MxArray =>
  mx.clip(softplus(mx.add(dt.astype(mx.float32), bias)), min, max);

/** One position at a time: `state = exp(dt A) state + dt x B`, `y = state C`. */
const step = (dtx: MxArray, dtA: MxArray, B: MxArray, C: MxArray, state: MxArray): [MxArray, MxArray] => {
  const H = dtx.dim(2);
  const perHead = (a: MxArray) => mx.repeat(mx.squeeze(a, 1), H / a.dim(2), 1); // [B, H, N]
  const entering = mx.multiply(mx.expandDims(mx.squeeze(dtx, 1), -1), mx.expandDims(perHead(B), -2)); // [B, H, P, N]
  const fading = mx.expandDims(mx.exp(mx.squeeze(dtA, 1)), [-1, -2]); // [B, H, 1, 1]
  const next = mx.add(mx.multiply(state, fading), entering);
  const y = mx.squeeze(mx.matmul(next, mx.expandDims(perHead(C), -1)), -1); // [B, H, P]
  return [mx.expandDims(y, 1), next];
};

/** Many positions at once: within the chunk as masked attention, from before it through the state. */
const chunk = (dtx: MxArray, dtA: MxArray, B: MxArray, C: MxArray, state: MxArray): [MxArray, MxArray] => {
  const [batch = 1, S = 1, H = 1, P = 1] = dtx.shape;
  const [G = 1, N = 1] = B.shape.slice(2);
  const keys = mx.transpose(B, [0, 2, 1, 3]); // [B, G, S, N]
  const queries = mx.transpose(C, [0, 2, 1, 3]); // [B, G, S, N]
  const scores = mx.repeat(mx.matmul(queries, mx.swapaxes(keys, -1, -2)), H / G, 1); // [B, H, S, S]
  const decay = mx.exp(segmentSums(mx.swapaxes(dtA, 1, 2))); // [B, H, S, S]
  const values = mx.swapaxes(dtx, 1, 2); // [B, H, S, P]
  const within = mx.swapaxes(mx.matmul(mx.tril(mx.multiply(scores, decay)), values), 1, 2); // [B, S, H, P]

  const sinceStart = mx.exp(mx.cumsum(dtA, 1)); // [B, S, H]
  const grouped = mx.reshape(state, [batch, G, (H / G) * P, N]);
  const read = mx.matmul(queries, mx.swapaxes(grouped, -1, -2)); // [B, G, S, H / G * P]
  const before = mx.reshape(mx.transpose(read, [0, 2, 1, 3]), [batch, S, H, P]);
  const y = mx.add(within, mx.multiply(mx.expandDims(sinceStart, -1), before));

  const untilEnd = mx.index(decay, [], [], [S - 1, S]); // [B, H, 1, S]
  const faded = mx.multiply(mx.swapaxes(values, -1, -2), untilEnd); // [B, H, P, S]
  const added = mx.matmul(faded, mx.repeat(keys, H / G, 1)); // [B, H, P, N]
  const total = mx.expandDims(mx.index(sinceStart, [], S - 1), [-1, -2]); // [B, H, 1, 1]
  return [y, mx.add(added, mx.multiply(total, state))];
};

export interface DecayingSumInputs {
  /** What each position adds, `[B, L, H, P]`. */
  readonly values: MxArray;
  /** How much of it, `[B, L, H]`. All by default. */
  readonly weights?: MxArray | undefined;
  /** Logarithm of what is left of the state, float32 `[B, L, H]`; 0 leaves it whole. */
  readonly logDecay: MxArray;
  /** Where values are added, `[B, L, G, N]`; `H` is a multiple of `G`. */
  readonly keys: MxArray;
  /** Where the state is read, `[B, L, G, N]`. */
  readonly queries: MxArray;
  /** `[B, H, P, N]`; empty by default. */
  readonly state?: MxArray | undefined;
}

/**
 * Linear attention whose state fades: linear in the length, and computed in chunks as attention is.
 *
 * @returns `y [B, L, H, P]`, float32, and the state after the last position, float32
 */
export const decayingSum = (inputs: DecayingSumInputs): [MxArray, MxArray] => {
  const [batch = 1, L = 1, H = 1, P = 1] = inputs.values.shape;
  const { keys, queries, logDecay, weights } = inputs;
  const state = inputs.state ?? mx.zeros([batch, H, P, keys.dim(-1)]);
  const beta = weights ?? mx.ones([batch, L, H]);
  const one = mx.fadingSum({ q: queries, k: keys, v: inputs.values, logDecay, beta, state });
  if (one !== undefined) return one;
  const values =
    weights === undefined ? inputs.values : mx.multiply(mx.expandDims(weights, -1), inputs.values);
  let current = state;
  const ys: MxArray[] = [];
  for (let start = 0; start < L; start += CHUNK) {
    const size = Math.min(CHUNK, L - start);
    const part = (a: MxArray) => (size === L ? a : mx.index(a, [], [start, start + size]));
    const advance = size === 1 ? step : chunk;
    const [y, next] = advance(part(values), part(logDecay), part(keys), part(queries), current);
    ys.push(y);
    current = next;
  }
  return [ys.length === 1 ? (ys[0] ?? values) : mx.concatenate(ys, 1), current];
};

/**
 * Mamba 2's state space.
 *
 * @returns `y [B, L, H, P]` in the dtype of `x`, and the state after the last position, float32
 * @see https://arxiv.org/abs/2405.21060
 */
export const stateSpace = ({ x, dt, A_log, B, C, D, state }: StateSpaceInputs): [MxArray, MxArray] => {
  const A = mx.negative(mx.exp(A_log)).astype(dt.dtype); // [H]
  const logDecay = mx.multiply(dt, A); // [B, L, H]
  const [y, next] = decayingSum({ values: x, weights: dt, logDecay, keys: B, queries: C, state });
  return [mx.add(y.astype(x.dtype), mx.multiply(x, mx.expandDims(D, -1))), next];
};
