import type { MxArray } from "../core/index.ts";
import { gated, Linear, Module, silu } from "../nn/index.ts";

/** `down(activation(gate(x)) * up(x))`, `[..., E] -> [..., E]` over `F` features. */
export class GatedMLP extends Module {
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;
  readonly #gate: (gate: MxArray, x: MxArray) => MxArray;

  constructor(dims: number, hiddenDims: number, { bias = false, activation = silu } = {}) {
    super();
    this.gate_proj = new Linear(dims, hiddenDims, bias);
    this.up_proj = new Linear(dims, hiddenDims, bias);
    this.down_proj = new Linear(hiddenDims, dims, bias);
    this.#gate = gated(activation);
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(this.#gate(this.gate_proj.forward(x), this.up_proj.forward(x)));
  }
}
