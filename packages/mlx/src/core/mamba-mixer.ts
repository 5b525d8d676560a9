/** Mamba 2's mixer as one operation of the CPU. */
import { adopt, handlesOf, type MxArray, optionalHandleOf } from "./array.ts";
import { native } from "./native.ts";

/** What a layer learned between its projections. Float32 all. */
export interface MambaNumbers {
  /** `[W, C]`, of H P values, of how they enter a state `[G, N]`, and of how that is read `[G, N]`. */
  readonly taps: MxArray;
  /** `[C]` */
  readonly convBias?: MxArray | undefined;
  /** `[H]`: a state keeps `exp(-exp(A_log) dt)`. */
  readonly A_log: MxArray;
  /** `[H]`: `dt` is `softplus` of a time step and this. */
  readonly dt_bias: MxArray;
  /** `[H]`: what of the values goes past the state. */
  readonly D: MxArray;
  /** `[H P]`, weight of the norm of what the gates let through; none without. */
  readonly norm?: MxArray | undefined;
}

/** Beside that what it projects its input to, and where it goes on. */
export interface MambaMixerInputs extends MambaNumbers {
  /** `[B, L, H P + C + H]`: gates, what goes through the convolution, and time steps. */
  readonly projected: MxArray;
  /** `[B, W - 1, C]`, inputs of the convolution before the first position. */
  readonly past: MxArray;
  /** `[B, H, P, N]` */
  readonly state: MxArray;
}

/** What its numbers do not say. */
export interface MambaSettings {
  /** Heads of a group share how they enter the state and how it is read. */
  readonly groups: number;
  /** Features are normed in so many groups. */
  readonly normGroups: number;
  /** Shortest and longest `dt`. */
  readonly timeStepLimit: readonly [number, number];
  /** Of the norm. */
  readonly eps: number;
}

/**
 * A layer of Mamba 2 between its projections.
 *
 * @returns what comes out, `[B, L, H P]`, and `past` and `state` after the last position; undefined where this is not
 *   computed here
 * @see https://arxiv.org/abs/2405.21060
 */
export const mambaMixer = (
  { projected, taps, convBias, A_log, dt_bias, D, norm, past, state }: MambaMixerInputs,
  { groups, normGroups, timeStepLimit, eps }: MambaSettings,
): { y: MxArray; past: MxArray; state: MxArray } | undefined => {
  const [y, nextPast, nextState] = native.mambaMixer(
    handlesOf([projected, taps, A_log, dt_bias, D, past, state]),
    [convBias, norm].map(optionalHandleOf),
    [groups, normGroups],
    [...timeStepLimit, eps],
  );
  if (y === undefined || nextPast === undefined || nextState === undefined) return undefined;
  return { y: adopt(y), past: adopt(nextPast), state: adopt(nextState) };
};
