import { add, type MxArray, multiply, ones, rsqrt, subtract, zeros } from "../core/index.ts";
import { Module } from "./module.ts";

/** Batch normalisation with the statistics of training. Parameters: `weight`, `bias`, `running_mean`, `running_var`, `[E]`. */
export class BatchNorm extends Module {
  weight: MxArray;
  bias: MxArray;
  running_mean: MxArray;
  running_var: MxArray;
  readonly #eps: number;

  constructor(dims: number, eps = 1e-5) {
    super();
    this.weight = ones([dims]);
    this.bias = zeros([dims]);
    this.running_mean = zeros([dims]);
    this.running_var = ones([dims]);
    this.#eps = eps;
  }

  /** `[..., E] -> [..., E]` */
  forward(x: MxArray): MxArray {
    const scale = multiply(rsqrt(this.running_var.add(this.#eps)), this.weight); // [E]
    const shift = subtract(this.bias, multiply(this.running_mean, scale)); // [E]
    return add(multiply(x, scale), shift); // x is large: few steps over it
  }
}
