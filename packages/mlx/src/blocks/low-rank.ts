import type { MxArray } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";

/** A function where checkpoints count a layer. */
class Activation extends Module {
  readonly #apply: (x: MxArray) => MxArray;

  constructor(apply: (x: MxArray) => MxArray) {
    super();
    this.#apply = apply;
  }

  forward(x: MxArray): MxArray {
    return this.#apply(x);
  }
}

/** A linear map through few features. */
export class LowRank extends Module {
  lora: [Linear, Activation, Linear];

  constructor(dims: number, rank: number, activation: (x: MxArray) => MxArray, bias = true) {
    super();
    this.lora = [new Linear(dims, rank, false), new Activation(activation), new Linear(rank, dims, bias)];
  }

  forward(x: MxArray): MxArray {
    const [down, activation, up] = this.lora;
    return up.forward(activation.forward(down.forward(x)));
  }
}
