import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { softplus } from "../nn/index.ts";
import { segmentSums } from "./segment-sums.ts";

/** Positions that are computed at once; the work within a chunk grows with its square. */
const CHUNK = 64;

/** What the gated delta rule reads. */
export interface GatedDeltaInputs {
  /** `[B, L, K, D]` */
  readonly q: MxArray;
  /** `[B, L, K, D]`, of length one */
  readonly k: MxArray;
  /** `[B, L, H, V]`; `H` is a multiple of `K` */
  readonly v: MxArray;
  /** Logarithm of what is left of the state, float32 `[B, L, H]`, or `[B, L, H, D]` by feature; 0 leaves it whole. */
  readonly logDecay: MxArray;
  /** How much of a value is written, `[B, L, H]`; 0 writes nothing. */
  readonly beta: MxArray;
  /** `[B, H, V, D]`; empty by default. */
  readonly state?: MxArray | undefined;
}

/** Logarithm of the decay, as Mamba's time steps give it: `-exp(A_log) softplus(a + bias)`. */
export const logDecayOf = (A_log: MxArray, a: MxArray, bias: MxArray): MxArray =>
  mx.multiply(mx.negative(mx.exp(A_log.astype(mx.float32))), softplus(mx.add(a, bias)));

/** Logarithm of a decay that is never below `bound`: `bound sigmoid(exp(A_log) (a + bias))`. */
export const boundedLogDecayOf = (A_log: MxArray, a: MxArray, bias: MxArray, bound: number): MxArray => {
  const steepness = mx.exp(A_log.astype(mx.float32));
  return mx.sigmoid(mx.multiply(steepness, mx.add(a.astype(mx.float32), bias))).multiply(bound);
};

/** Queries and keys of length one, queries also scaled by `D ** -0.5`. */
export const normQueryAndKey = (q: MxArray, k: MxArray): [MxArray, MxArray] => {
  const scale = q.dim(-1) ** -0.5;
  const eps = 1e-6 * scale ** 2; // added to a mean here, to a sum where models define it
  const normed = (x: MxArray) => mx.fast.rmsNorm(x, undefined, eps);
  return [normed(q).multiply(scale ** 2), normed(k).multiply(scale)];
};

/** Inputs of one stretch of positions with heads before positions, `[B, H, S, ...]`, float32. */
interface Stretch {
  readonly q: MxArray;
  readonly k: MxArray;
  readonly v: MxArray;
  readonly logDecay: MxArray;
  readonly beta: MxArray;
}

type Advance = (stretch: Stretch, state: MxArray) => [y: MxArray, state: MxArray];

/** One position: the state fades, what `k` reads from it is replaced by `v`, and `q` reads the rest. */
const step: Advance = ({ q, k, v, logDecay, beta }, state) => {
  const decay = mx.exp(logDecay); // [B, H, 1] or [B, H, 1, D]
  const faded = mx.multiply(state, decay.ndim === 3 ? mx.expandDims(decay, -1) : decay); // [B, H, V, D]
  const known = mx.matmul(k, mx.swapaxes(faded, -1, -2)); // [B, H, 1, V]
  const delta = mx.multiply(mx.subtract(v, known), mx.expandDims(beta, -1)); // [B, H, 1, V]
  const next = mx.add(faded, mx.multiply(mx.swapaxes(delta, -1, -2), k)); // [B, H, V, D]
  return [mx.matmul(q, mx.swapaxes(next, -1, -2)), next];
};

/** The inverse of `I + A` for a strictly lower triangular `A [..., S, S]`, from small diagonal blocks to large ones. */
const invertUnitLower = (A: MxArray): MxArray => {
  const S = A.dim(-1);
  const positions = mx.arange(0, S);
  let inverse = mx.eye(S);
  for (let size = 1; size < S; size *= 2) {
    const block = mx.floorDivide(positions, size);
    const row = mx.expandDims(block, 1);
    const isLowerHalf = mx.equal(mx.remainder(row, 2), 1);
    const isCorner = mx.logicalAnd(isLowerHalf, mx.equal(mx.expandDims(block, 0), row.subtract(1)));
    const corner = mx.where(isCorner, A, 0);
    inverse = mx.subtract(inverse, mx.matmul(mx.matmul(inverse, corner), inverse));
  }
  return inverse;
};

/**
 * Many positions: what each writes depends on what the ones before it wrote, a triangular system.
 *
 * @see https://arxiv.org/abs/2412.06464
 */
const chunk: Advance = ({ q, k, v, logDecay, beta }, state) => {
  const S = q.dim(2);
  const decay = mx.exp(segmentSums(logDecay)); // [B, H, S, S], from the position of the column to that of the row
  const sinceStart = mx.expandDims(mx.exp(mx.cumsum(logDecay, -1)), -1); // [B, H, S, 1]
  const written = mx.expandDims(beta, -1); // [B, H, S, 1]
  const transposedKeys = mx.swapaxes(k, -1, -2);
  const transposedState = mx.swapaxes(state, -1, -2); // [B, H, D, V]
  const overlap = mx.tril(mx.multiply(mx.multiply(mx.matmul(k, transposedKeys), decay), written), -1);
  const known = mx.multiply(sinceStart, mx.matmul(k, transposedState)); // [B, H, S, V]
  const wanted = mx.multiply(mx.subtract(v, known), written); // [B, H, S, V]
  const deltas = mx.matmul(invertUnitLower(overlap), wanted); // [B, H, S, V]

  const scores = mx.tril(mx.multiply(mx.matmul(q, transposedKeys), decay)); // [B, H, S, S]
  const before = mx.multiply(sinceStart, mx.matmul(q, transposedState)); // [B, H, S, V]
  const y = mx.add(before, mx.matmul(scores, deltas));

  const untilEnd = mx.swapaxes(mx.index(decay, [], [], [S - 1, S]), -1, -2); // [B, H, S, 1]
  const added = mx.matmul(mx.swapaxes(mx.multiply(deltas, untilEnd), -1, -2), k); // [B, H, V, D]
  const total = mx.index(sinceStart, [], [], [S - 1, S]); // [B, H, 1, 1]
  return [y, mx.add(mx.multiply(state, total), added)];
};

/**
 * The gated delta rule: a state that fades, in which each position replaces what its key reads by its value.
 *
 * @returns `y [B, L, H, V]` in the dtype of `q`, and the state after the last position, float32
 * @see https://arxiv.org/abs/2412.06464
 */
export const gatedDelta = (inputs: GatedDeltaInputs): [MxArray, MxArray] => {
  const { q, k, v, logDecay, beta } = inputs;
  const [B = 1, L = 1, H = 1, V = 1] = v.shape;
  const state = inputs.state ?? mx.zeros([B, H, V, q.dim(-1)]);
  const one = mx.deltaRule({ q, k, v, logDecay, beta, state });
  if (one !== undefined) return one;
  const headsFirst = (a: MxArray) => mx.swapaxes(a.astype(mx.float32), 1, 2);
  const perHead = (a: MxArray) => headsFirst(mx.repeat(a, H / a.dim(2), 2)); // [B, H, L, D]
  const all = [perHead(q), perHead(k), headsFirst(v), headsFirst(logDecay), headsFirst(beta)];
  const size = logDecay.ndim === 4 ? 1 : CHUNK; // a decay per feature cannot leave the product of queries and keys
  let current = state;
  const ys: MxArray[] = [];
  for (let start = 0; start < L; start += size) {
    const end = Math.min(start + size, L);
    const [sq = q, sk = k, sv = v, sDecay = logDecay, sBeta = beta] =
      L === end - start ? all : all.map((a) => mx.index(a, [], [], [start, end]));
    const advance = end - start === 1 ? step : chunk;
    const [y, next] = advance({ q: sq, k: sk, v: sv, logDecay: sDecay, beta: sBeta }, current);
    ys.push(y);
    current = next;
  }
  const y = ys.length === 1 ? (ys[0] ?? v) : mx.concatenate(ys, 2); // [B, H, L, V]
  return [mx.swapaxes(y, 1, 2).astype(q.dtype), current];
};
