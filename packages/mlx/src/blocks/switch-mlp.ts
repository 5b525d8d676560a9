import type { MxArray } from "../core/index.ts";
import { geluApprox, Module } from "../nn/index.ts";
import { askExperts } from "./switch-glu.ts";
import { SwitchLinear } from "./switch-linear.ts";

/** A plain MLP with GELU per expert. @see mlx-lm 0.32.2 models/switch_layers.py */
export class SwitchMLP extends Module {
  fc1: SwitchLinear;
  fc2: SwitchLinear;

  constructor(dims: number, hiddenDims: number, experts: number, { bias = false } = {}) {
    super();
    this.fc1 = new SwitchLinear(dims, hiddenDims, experts, bias);
    this.fc2 = new SwitchLinear(hiddenDims, dims, experts, bias);
  }

  /** `[B, L, E]`, asking experts `[B, L, k]`, to `[B, L, k, E]`. */
  forward(x: MxArray, experts: MxArray): MxArray {
    return askExperts(x, experts, (rows, expert, isSorted) =>
      this.fc2.forward(geluApprox(this.fc1.forward(rows, expert, isSorted)), expert, isSorted),
    );
  }
}
