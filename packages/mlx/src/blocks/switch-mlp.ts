import type { MxArray } from "../core/index.ts";
import { geluApprox, Module } from "../nn/index.ts";
import { askExperts } from "./switch-glu.ts";
import { SwitchLinear } from "./switch-linear.ts";

/** A plain MLP per expert, with GELU unless told otherwise. @see mlx-lm 0.32.2 models/switch_layers.py */
export class SwitchMLP extends Module {
  fc1: SwitchLinear;
  fc2: SwitchLinear;
  readonly activation: (x: MxArray) => MxArray;

  constructor(
    dims: number,
    hiddenDims: number,
    experts: number,
    { bias = false, activation = geluApprox }: { bias?: boolean; activation?: (x: MxArray) => MxArray } = {},
  ) {
    super();
    this.activation = activation;
    this.fc1 = new SwitchLinear(dims, hiddenDims, experts, bias);
    this.fc2 = new SwitchLinear(hiddenDims, dims, experts, bias);
  }

  /** `[B, L, E]`, asking experts `[B, L, k]`, to `[B, L, k, E]`. */
  forward(x: MxArray, experts: MxArray): MxArray {
    return askExperts(x, experts, (rows, expert, isSorted) =>
      this.fc2.forward(this.activation(this.fc1.forward(rows, expert, isSorted)), expert, isSorted),
    );
  }
}
