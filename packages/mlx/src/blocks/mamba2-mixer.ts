import type { LayerArrays, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm, silu, swiglu } from "../nn/index.ts";
import { CausalConv1d, countsAll, hidePadding } from "./causal-conv.ts";
import type { Mask } from "./mask.ts";
import { KeptParts, type MambaParts } from "./mixer-parts.ts";
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
  /** What it norms with, where that is by the root mean square of each group of what the gate lets through. */
  readonly ofGated?: { readonly gain: MxArray; readonly groups: number; readonly eps: number };
  forwardGated(x: MxArray, gate: MxArray): MxArray;
}

/** RMSNorm of what a gate lets through. */
export class NormOfGated extends RMSNorm implements GateNorm {
  get ofGated(): NonNullable<GateNorm["ofGated"]> {
    return { gain: this.gain, groups: 1, eps: this.eps };
  }

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
  readonly #parts = new KeptParts<MambaParts>();

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
    const projected = this.in_proj.forward(x); // [B, L, 2 inner + 2 G N + H]
    const y = this.#mixAtOnce(projected, mask, arrays) ?? this.#mix(projected, mask, arrays); // [B, L, inner]
    arrays.advance(x.dim(1));
    return this.out_proj.forward(y); // [B, L, E]
  }

  /** The same object until one of them is replaced; undefined where a model overrides what it does. */
  get parts(): MambaParts | undefined {
    const { in_proj, out_proj, conv1d, A_log, dt_bias, D } = this;
    if (this.forward !== Mamba2Mixer.prototype.forward || conv1d.past === 0) return undefined;
    if (this.norm !== undefined && this.norm.ofGated === undefined) return undefined;
    const { gain: norm, groups: normGroups = 1, eps = 0 } = this.norm?.ofGated ?? {};
    const { taps, bias: convBias } = conv1d;
    const { heads, groups, headDim, stateSize } = this.#sizes;
    return this.#parts.of([in_proj, out_proj, taps, convBias, A_log, dt_bias, D, norm], () => ({
      ...{ matrices: [in_proj, out_proj], norms: [] },
      ...{ taps, convBias, A_log, dt_bias, D, norm, normGroups, eps },
      ...{ heads, groups, headDim, stateSize, timeStepLimit: this.#timeStepLimit },
    }));
  }

  get #timeStepLimit(): [number, number] {
    const [min = 0, max = Number.POSITIVE_INFINITY] = this.#sizes.timeStepLimit;
    return [min, max];
  }

  /** As one operation, where there is one and all positions count. */
  #mixAtOnce(projected: MxArray, mask: Mask, arrays: LayerArrays): MxArray | undefined {
    if (!countsAll(mask) || arrays.lengths !== undefined || mx.defaultDevice() !== "cpu") return undefined;
    const { parts } = this;
    if (parts === undefined) return undefined;
    const { heads, headDim, stateSize } = parts;
    const B = projected.dim(0);
    const inputs = {
      ...{ ...parts, projected },
      past: arrays.get(0) ?? mx.zeros([B, this.conv1d.past, parts.taps.dim(1)]),
      state: arrays.get(1) ?? mx.zeros([B, heads, headDim, stateSize]),
    };
    const mixed = mx.mambaMixer(inputs, parts);
    if (mixed === undefined) return undefined;
    arrays.set(0, mixed.past);
    arrays.set(1, mixed.state);
    return mixed.y;
  }

  #mix(projected: MxArray, mask: Mask, arrays: LayerArrays): MxArray {
    const { heads, headDim, groups, stateSize } = this.#sizes;
    const [B = 1, L = 1] = projected.shape;
    const [inner, states] = [heads * headDim, groups * stateSize];
    const ends = [inner, 2 * inner + 2 * states];
    const [gate = projected, channels = projected, dt = projected] = mx.split(projected, ends, -1);
    const mixed = silu(this.conv1d.continue(channels, mask, arrays)); // [B, L, inner + 2 G N]
    const [values = mixed, into = mixed, out = mixed] = mx.split(mixed, [inner, inner + states], -1);
    const [read, state] = stateSpace({
      x: mx.reshape(values, [B, L, heads, headDim]),
      dt: hidePadding(timeSteps(dt, this.dt_bias, this.#timeStepLimit), mask), // [B, L, H]
      A_log: this.A_log,
      B: mx.reshape(into, [B, L, groups, -1]),
      C: mx.reshape(out, [B, L, groups, -1]),
      D: this.D,
      state: arrays.get(1),
    });
    arrays.set(1, state);
    const y = mx.reshape(read, [B, L, inner]);
    return this.norm?.forwardGated(y, gate) ?? swiglu(gate, y);
  }
}
