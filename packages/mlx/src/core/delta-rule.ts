/** States that fade, and in which each position puts a value, as one operation of the CPU. */
import { adopt, handleOf, handlesOf, type MxArray } from "./array.ts";
import { native } from "./native.ts";

/** Float32 all. */
export interface DeltaRuleInputs {
  /** `[B, L, K, D]` */
  readonly q: MxArray;
  /** `[B, L, K, D]` */
  readonly k: MxArray;
  /** `[B, L, H, V]`; `H` is a multiple of `K` */
  readonly v: MxArray;
  /** Logarithm of what is left of the state, `[B, L, H]`, or by feature `[B, L, H, D]`. */
  readonly logDecay: MxArray;
  /** How much of a value is written, `[B, L, H]`. */
  readonly beta: MxArray;
  /** Before the first position, `[B, H, V, D]`. */
  readonly state: MxArray;
}

/** What queries read, `[B, L, H, V]`, and the state after the last position. */
type Read = [y: MxArray, state: MxArray];

const runRule = ({ q, k, v, logDecay, beta, state }: DeltaRuleInputs, isSum: boolean): Read | undefined => {
  const [y, next] = native.deltaRule(
    ...([handleOf(q), handleOf(k), handleOf(v)] as const),
    ...([handleOf(logDecay), handleOf(beta), handleOf(state), isSum] as const),
  );
  return y === undefined || next === undefined ? undefined : [adopt(y), adopt(next)];
};

/**
 * The gated delta rule: at each position the state fades, and a value replaces what its key reads there.
 *
 * @returns undefined where this is not computed here: on other devices, and in other types
 * @see https://arxiv.org/abs/2412.06464
 */
export const deltaRule = (inputs: DeltaRuleInputs): Read | undefined => runRule(inputs, false);

/**
 * The same where values are added to what is there, as in state spaces and linear attention.
 *
 * @returns undefined where this is not computed here: on other devices, and in other types
 * @see https://arxiv.org/abs/2405.21060
 */
export const fadingSum = (inputs: DeltaRuleInputs): Read | undefined => runRule(inputs, true);

/** What a layer of Qwen's linear attention projects its input to, what it learned, and where it goes on. Float32 all. */
export interface DeltaMixerInputs {
  /** `[B, L, C]`: queries and keys of `keyHeads` heads of D features, then values of H heads of V. */
  readonly qkv: MxArray;
  /** `[B, L, H, V]`, what comes out is let through by. */
  readonly z: MxArray;
  /** `[B, L, H]`, how much is written. */
  readonly b: MxArray;
  /** `[B, L, H]`, how much is forgotten. */
  readonly a: MxArray;
  /** `[W, C]`, of a convolution over a position and those before it. */
  readonly taps: MxArray;
  /** `[H]`: the state keeps `exp(-exp(A_log) softplus(a + dt_bias))`. */
  readonly A_log: MxArray;
  /** `[H]` */
  readonly dt_bias: MxArray;
  /** `[V]`, weight of the norm of what comes out. */
  readonly norm: MxArray;
  /** `[B, W - 1, C]`, inputs of the convolution before the first position. */
  readonly past: MxArray;
  /** `[B, H, V, D]` */
  readonly state: MxArray;
}

/**
 * A layer of Qwen's linear attention between its projections.
 *
 * @param eps - of the norm of what comes out
 * @returns what comes out, `[B, L, H, V]`, and `past` and `state` after the last position; undefined where this is not
 *   computed here
 */
export const deltaMixer = (
  { qkv, z, b, a, taps, A_log, dt_bias, norm, past, state }: DeltaMixerInputs,
  { keyHeads, eps }: { readonly keyHeads: number; readonly eps: number },
): { y: MxArray; past: MxArray; state: MxArray } | undefined => {
  const parts = [qkv, z, b, a, taps, A_log, dt_bias, norm, past, state];
  const [y, nextPast, nextState] = native.deltaMixer(handlesOf(parts), keyHeads, eps);
  if (y === undefined || nextPast === undefined || nextState === undefined) return undefined;
  return { y: adopt(y), past: adopt(nextPast), state: adopt(nextState) };
};
