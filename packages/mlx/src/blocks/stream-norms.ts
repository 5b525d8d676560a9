/** Norms of a float32 residual stream. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module, RMSNorm } from "../nn/index.ts";

/** Norms the stream, and leaves its float32 for the dtype of the weight. */
export class StreamNorm extends RMSNorm {
  override forward(x: MxArray): MxArray {
    return super.forward(x).astype(this.weight.dtype);
  }
}

/** A norm that scales what it norms, not the result. */
export class InputScaleNorm extends Module {
  weight: MxArray;
  readonly #eps: number;

  constructor(dims: number, eps: number) {
    super();
    this.weight = mx.ones([dims]);
    this.#eps = eps;
  }

  forward(x: MxArray): MxArray {
    return mx.fast.rmsNorm(mx.multiply(this.weight, x), undefined, this.#eps);
  }
}
