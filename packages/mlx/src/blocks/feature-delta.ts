import type { LayerArrays, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";
import { hidePadding } from "./causal-conv.ts";
import { boundedLogDecayOf, gatedDelta, logDecayOf, normQueryAndKey } from "./gated-delta.ts";
import type { Mask } from "./mask.ts";

export interface FeatureDeltaOptions {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly eps: number;
  /** Below this no logarithm of a decay goes; without it decays are Mamba's. */
  readonly lowerBound?: number | undefined;
  /** Of `A_log`, one number per head. Default `[heads]`. */
  readonly decayShape?: readonly number[];
}

/**
 * Kimi's linear attention: the gated delta rule with a decay per feature; subclasses say how inputs are projected.
 *
 * @see https://arxiv.org/abs/2510.26692
 */
export abstract class FeatureDelta extends Module {
  A_log: MxArray;
  dt_bias: MxArray;
  b_proj: Linear;
  o_norm: RMSNorm;
  o_proj: Linear;
  readonly #options: FeatureDeltaOptions;

  constructor(options: FeatureDeltaOptions) {
    super();
    const { hiddenSize: E, heads: H, headDim: D } = options;
    this.A_log = mx.zeros([...(options.decayShape ?? [H])]);
    this.dt_bias = mx.zeros([H * D]);
    this.b_proj = new Linear(E, H, false);
    this.o_norm = new RMSNorm(D, options.eps);
    this.o_proj = new Linear(H * D, E, false);
    this.#options = options;
  }

  /** Which of a layer's arrays is the state; those before are the convolutions'. */
  protected abstract readonly stateSlot: number;
  /** Queries, keys and values behind their convolutions, `[B, L, H * D]` each. */
  protected abstract mixed(x: MxArray, mask: Mask, arrays: LayerArrays): MxArray[];
  /** What decides about decays, `[B, L, H * D]`. */
  protected abstract decayInputs(x: MxArray): MxArray;
  /** How much of what was read is let through, `[B, L, H * D]`. */
  protected abstract gate(x: MxArray): MxArray;

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const { heads: H } = this.#options;
    const heads = (part: MxArray) => mx.reshape(part, [B, L, H, -1]);
    const [queries = x, keys = x, v = x] = this.mixed(x, mask, arrays).map(heads); // [B, L, H, D]
    const [q, k] = normQueryAndKey(queries, keys);
    const [y, state] = gatedDelta({
      q,
      k,
      v,
      logDecay: hidePadding(this.#logDecay(heads(this.decayInputs(x))), mask), // [B, L, H, D]
      beta: hidePadding(mx.sigmoid(this.b_proj.forward(x)), mask), // [B, L, H]
      state: arrays.get(this.stateSlot),
    });
    arrays.set(this.stateSlot, state);
    arrays.advance(L);
    const out = mx.multiply(this.o_norm.forward(y), heads(this.gate(x))); // [B, L, H, D]
    return this.o_proj.forward(mx.reshape(out, [B, L, -1])); // [B, L, E]
  }

  #logDecay(a: MxArray): MxArray {
    const { heads: H, lowerBound } = this.#options;
    const [A_log, bias] = [mx.reshape(this.A_log, [H, 1]), mx.reshape(this.dt_bias, [H, -1])];
    return lowerBound === undefined
      ? logDecayOf(A_log, a, bias)
      : boundedLogDecayOf(A_log, a, bias, lowerBound);
  }
}

/** That rule with decays, and gates unless those have `isFullRank`, from as many features as a head has. */
export abstract class LowRankDelta extends FeatureDelta {
  f_a_proj: Linear;
  f_b_proj: Linear;
  declare g_proj?: Linear;
  declare g_a_proj?: Linear;
  declare g_b_proj?: Linear;

  constructor(options: FeatureDeltaOptions, isFullRank = false) {
    super(options);
    const { hiddenSize: E, heads: H, headDim: D } = options;
    this.f_a_proj = new Linear(E, D, false);
    this.f_b_proj = new Linear(D, H * D, false);
    if (isFullRank) {
      this.g_proj = new Linear(E, H * D, false);
    } else {
      this.g_a_proj = new Linear(E, D, false);
      this.g_b_proj = new Linear(D, H * D, false);
    }
  }

  protected decayInputs(x: MxArray): MxArray {
    return this.f_b_proj.forward(this.f_a_proj.forward(x));
  }

  protected gate(x: MxArray): MxArray {
    const few = this.g_a_proj?.forward(x) ?? x;
    return mx.sigmoid(this.g_proj?.forward(x) ?? this.g_b_proj?.forward(few) ?? few);
  }
}
