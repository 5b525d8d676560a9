import { add, type MxArray } from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";

/** A learned residual through a narrow layer: `x + norm(right(left(x)))`. @see https://arxiv.org/abs/2411.07501 */
export class Laurel extends Module {
  linear_left: Linear;
  linear_right: Linear;
  post_laurel_norm: RMSNorm;

  constructor(dims: number, rank: number, eps: number) {
    super();
    this.linear_left = new Linear(dims, rank, false);
    this.linear_right = new Linear(rank, dims, false);
    this.post_laurel_norm = new RMSNorm(dims, eps);
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    return add(x, this.post_laurel_norm.forward(this.linear_right.forward(this.linear_left.forward(x))));
  }
}
