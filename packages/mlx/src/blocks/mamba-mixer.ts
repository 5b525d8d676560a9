import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, silu, softplus, swiglu } from "../nn/index.ts";
import { CausalConv1d, hidePadding } from "./causal-conv.ts";
import type { Mask } from "./mask.ts";

/** Sizes of a `MambaMixer`. */
export interface MambaSizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Of a channel's state. */
  readonly stateSize: number;
  readonly kernelSize: number;
  /** Features that decide about time steps; none: one for 16 of the model's. */
  readonly timeStepRank: number | "auto";
  readonly bias: boolean;
  readonly convBias: boolean;
}

/** What decides about time steps, what enters the state and what reads it. */
export type Selection = [rank: MxArray, B: MxArray, C: MxArray];

/** Positions whose states are held at once. */
const CHUNK = 64;

/** The state after each position: what is left of the one before, and what enters; `[B, S, F, N]` both. */
const accumulate = (entering: MxArray, fading: MxArray, previous: MxArray | undefined): MxArray[] => {
  let state = previous;
  return Array.from({ length: entering.dim(1) }, (_, t) => {
    const added = mx.index(entering, [], t);
    state = state === undefined ? added : mx.add(added, mx.multiply(state, mx.index(fading, [], t)));
    return state;
  });
};

/** Mamba's mixer: a short convolution and a state per channel. @see https://arxiv.org/abs/2312.00752 */
export class MambaMixer extends Module {
  in_proj: Linear;
  conv1d: CausalConv1d;
  x_proj: Linear;
  dt_proj: Linear;
  A_log: MxArray;
  D: MxArray;
  out_proj: Linear;
  readonly #rank: number;

  constructor(sizes: MambaSizes) {
    super();
    const { hiddenSize: E, intermediateSize: F, stateSize: N } = sizes;
    this.#rank = timeStepRank(sizes);
    this.in_proj = new Linear(E, 2 * F, sizes.bias);
    this.conv1d = new CausalConv1d(F, sizes.kernelSize, sizes.convBias);
    this.x_proj = new Linear(F, this.#rank + 2 * N, false);
    this.dt_proj = new Linear(this.#rank, F);
    this.A_log = mx.log(mx.broadcastTo(mx.arange(1, N + 1, 1, mx.float32), [F, N]));
    this.D = mx.ones([F]);
    this.out_proj = new Linear(F, E, sizes.bias);
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [inner = x, gate = x] = mx.split(this.in_proj.forward(x), 2, -1); // [B, L, F]
    const mixed = silu(this.conv1d.continue(inner, mask, arrays)); // [B, L, F]
    const [y, state] = this.#scan(mixed, mask, arrays.get(1));
    arrays.set(1, state);
    arrays.advance(x.dim(1));
    return this.out_proj.forward(swiglu(gate, y)); // [B, L, E]
  }

  /** x `[B, L, F]` through the state `[B, F, N]`, position by position. */
  #scan(x: MxArray, mask: Mask, previous: MxArray | undefined): [y: MxArray, state: MxArray] {
    const N = this.A_log.dim(-1);
    const [steps = x, into = x, out = x] = mx.split(this.x_proj.forward(x), [this.#rank, this.#rank + N], -1);
    const [rank, B, C] = this.normed([steps, into, out]);
    const delta = hidePadding(softplus(this.dt_proj.forward(rank)), mask); // [B, L, F]
    const A = mx.negative(mx.exp(this.A_log)); // [F, N]
    const [L, ys]: [number, MxArray[]] = [x.dim(1), []];
    let state = previous;
    for (let start = 0; start < L; start += CHUNK) {
      const part = (a: MxArray) => mx.index(a, [], [start, Math.min(start + CHUNK, L)]);
      const lasting = mx.expandDims(part(delta), -1); // [B, S, F, 1]
      const inputs = mx.multiply(lasting, mx.expandDims(part(x), -1));
      const entering = mx.multiply(inputs, mx.expandDims(part(B), 2)); // [B, S, F, N]
      const states = accumulate(entering, mx.exp(mx.multiply(lasting, A)), state);
      ys.push(mx.squeeze(mx.matmul(mx.stack(states, 1), mx.expandDims(part(C), -1)), -1)); // [B, S, F]
      state = states.at(-1);
    }
    return [mx.add(mx.concatenate(ys, 1), mx.multiply(this.D, x)), state ?? x];
  }

  /** The selection as it takes effect; models that norm it override this. */
  protected normed(selection: Selection): Selection {
    return selection;
  }
}

/** Features that decide about time steps. */
export const timeStepRank = ({
  hiddenSize,
  timeStepRank: rank,
}: Pick<MambaSizes, "hiddenSize" | "timeStepRank">): number =>
  rank === "auto" ? Math.ceil(hiddenSize / 16) : rank;
