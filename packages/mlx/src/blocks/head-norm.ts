import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module } from "../nn/index.ts";

/** LayerNorm of each head with weights of its own. */
export class HeadNorm extends Module {
  weight: MxArray;
  bias: MxArray;

  constructor(heads: number, headDim: number) {
    super();
    this.weight = mx.zeros([heads, headDim]);
    this.bias = mx.zeros([heads, headDim]);
  }

  /** `[B, L, H, D] -> [B, L, H, D]` */
  forward(x: MxArray): MxArray {
    return mx.add(mx.multiply(this.weight, mx.fast.layerNorm(x, undefined, undefined, 64e-5)), this.bias);
  }
}
