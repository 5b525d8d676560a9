import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm, silu, swiglu } from "../nn/index.ts";
import { CausalConv1d, hidePadding } from "./causal-conv.ts";
import type { Mask } from "./mask.ts";
import { stateSpace, timeSteps } from "./state-space.ts";

/** Sizes of a `Mamba2Mixer`. */
export interface Mamba2Sizes {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly headDim: number;
  /** Of a head's state, per feature. */
  readonly stateSize: number;
  /** Heads of a group share how they enter the state and how it is read. */
  readonly groups: number;
  readonly kernelSize: number;
  readonly convBias: boolean;
  /** Of the input projection. */
  readonly bias: boolean;
  /** Of the output projection. Default: as `bias`. */
  readonly outputBias?: boolean;
  /** Shortest and longest time step. */
  readonly timeStepLimit: readonly number[];
}

/** A norm of what a gate lets through. */
export interface GateNorm extends Module {
  forwardGated(x: MxArray, gate: MxArray): MxArray;
}

/** RMSNorm of what a gate lets through. */
export class NormOfGated extends RMSNorm implements GateNorm {
  forwardGated(x: MxArray, gate: MxArray): MxArray {
    return this.forward(swiglu(gate, x));
  }
}

/** Mamba 2's mixer: a short convolution and a state space with heads. @see https://arxiv.org/abs/2405.21060 */
export class Mamba2Mixer extends Module {
  conv1d: CausalConv1d;
  in_proj: Linear;
  dt_bias: MxArray;
  A_log: MxArray;
  D: MxArray;
  declare norm?: GateNorm;
  out_proj: Linear;
  readonly #sizes: Mamba2Sizes;

  constructor(sizes: Mamba2Sizes, norm?: GateNorm) {
    super();
    const { heads, bias } = sizes;
    const inner = heads * sizes.headDim;
    const channels = inner + 2 * sizes.groups * sizes.stateSize;
    this.conv1d = new CausalConv1d(channels, sizes.kernelSize, sizes.convBias);
    this.in_proj = new Linear(sizes.hiddenSize, inner + channels + heads, bias);
    this.dt_bias = mx.ones([heads]);
    this.A_log = mx.log(mx.arange(1, heads + 1, 1, mx.float32));
    this.D = mx.ones([heads]);
    if (norm !== undefined) this.norm = norm;
    this.out_proj = new Linear(inner, sizes.hiddenSize, sizes.outputBias ?? bias);
    this.#sizes = sizes;
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const { heads, headDim, groups, stateSize, timeStepLimit } = this.#sizes;
    const [B = 1, L = 1] = x.shape;
    const [inner, states] = [heads * headDim, groups * stateSize];
    const projected = this.in_proj.forward(x);
    const [gate = x, channels = x, dt = x] = mx.split(projected, [inner, 2 * inner + 2 * states], -1);
    const mixed = silu(this.conv1d.continue(channels, mask, arrays)); // [B, L, inner + 2 G N]
    const [values = x, into = x, out = x] = mx.split(mixed, [inner, inner + states], -1);
    const [min = 0, max = Number.POSITIVE_INFINITY] = timeStepLimit;
    const [read, state] = stateSpace({
      x: mx.reshape(values, [B, L, heads, headDim]),
      dt: hidePadding(timeSteps(dt, this.dt_bias, [min, max]), mask), // [B, L, H]
      A_log: this.A_log,
      B: mx.reshape(into, [B, L, groups, -1]),
      C: mx.reshape(out, [B, L, groups, -1]),
      D: this.D,
      state: arrays.get(1),
    });
    arrays.set(1, state);
    arrays.advance(L);
    const y = mx.reshape(read, [B, L, inner]);
    return this.out_proj.forward(this.norm?.forwardGated(y, gate) ?? swiglu(gate, y)); // [B, L, E]
  }
}
