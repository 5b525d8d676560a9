import { type MxArray, split } from "../core/index.ts";
import { Linear, Module, swiglu } from "../nn/index.ts";
import type { DenseMlp, DenseParts } from "./gated-mlp.ts";

/** `down(silu(gate) * up)` with gate and up in one projection, `[..., E] -> [..., E]` over `F` features. */
export class FusedGatedMLP extends Module implements DenseMlp {
  gate_up_proj: Linear;
  down_proj: Linear;

  constructor(dims: number, hiddenDims: number) {
    super();
    this.gate_up_proj = new Linear(dims, 2 * hiddenDims, false);
    this.down_proj = new Linear(hiddenDims, dims, false);
  }

  get parts(): DenseParts | undefined {
    if (this.forward !== FusedGatedMLP.prototype.forward) return undefined;
    return { layers: [this.gate_up_proj, this.down_proj], join: swiglu };
  }

  forward(x: MxArray): MxArray {
    const [gate = x, up = x] = split(this.gate_up_proj.forward(x), 2, -1); // [..., F]
    return this.down_proj.forward(swiglu(gate, up));
  }
}
