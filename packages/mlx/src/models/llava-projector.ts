import type { MxArray } from "../core/index.ts";
import { gelu, Linear, Module } from "../nn/index.ts";

/** LLaVA's two layers from a tower into a language model. */
export class LlavaProjector extends Module {
  linear_1: Linear;
  linear_2: Linear;

  constructor(inputs: number, outputs: number) {
    super();
    this.linear_1 = new Linear(inputs, outputs);
    this.linear_2 = new Linear(outputs, outputs);
  }

  forward(x: MxArray): MxArray {
    return this.linear_2.forward(gelu(this.linear_1.forward(x)));
  }
}
