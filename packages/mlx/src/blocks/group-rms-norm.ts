import { fast, flatten, type MxArray, multiply, ones, unflatten } from "../core/index.ts";
import { Module } from "../nn/index.ts";

/** RMSNorm over each of several groups of features. Parameter: `weight [E]`. */
export class GroupRMSNorm extends Module {
  weight: MxArray;
  readonly groups: number;
  readonly eps: number;

  constructor(dims: number, groups: number, eps: number) {
    super();
    this.weight = ones([dims]);
    this.groups = groups;
    this.eps = eps;
  }

  forward(x: MxArray): MxArray {
    const normed = fast.rmsNorm(unflatten(x, -1, [this.groups, -1]), undefined, this.eps);
    return multiply(this.weight, flatten(normed, -2, -1));
  }
}
