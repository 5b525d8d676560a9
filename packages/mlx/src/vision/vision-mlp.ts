import type { MxArray } from "../core/index.ts";
import { gelu, geluApprox, geluQuick, Linear, Module } from "../nn/index.ts";

const activations = { gelu, gelu_new: geluApprox, gelu_pytorch_tanh: geluApprox, quick_gelu: geluQuick };

/** The activation of a tower, by transformers' names. */
export type TowerActivation = keyof typeof activations;

/** The names that {@link VisionMLP} knows. */
export const towerActivations = Object.keys(activations) as readonly TowerActivation[];

/** Two layers with an activation between, as most towers name them. */
export class VisionMLP extends Module {
  fc1: Linear;
  fc2: Linear;
  readonly #activation: (x: MxArray) => MxArray;

  constructor(dims: number, hiddenDims: number, activation: TowerActivation) {
    super();
    this.fc1 = new Linear(dims, hiddenDims);
    this.fc2 = new Linear(hiddenDims, dims);
    this.#activation = activations[activation];
  }

  forward(x: MxArray): MxArray {
    return this.fc2.forward(this.#activation(this.fc1.forward(x)));
  }
}
