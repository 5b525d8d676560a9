import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { scaledBy } from "../nn/index.ts";
import { MatrixStack } from "./matrix-stack.ts";

/** A linear map per head, dense or quantized. Parameters: `weight [H, N, K]`, `scales`, `biases`. */
export class MultiLinear extends MatrixStack {
  /** `[B, H or 1, L, K] -> [B, H, L, N]` */
  forward(x: MxArray): MxArray {
    return this.#product(x, true);
  }

  /** The way back, by the matrices as they are: `[B, H or 1, L, N] -> [B, H, L, K]`. */
  transposed(x: MxArray): MxArray {
    return this.#product(x, false);
  }

  #product(x: MxArray, transpose: boolean): MxArray {
    const { quantization: q, weight, scales, biases } = this;
    if (q === undefined || scales === undefined) {
      return mx.matmul(x, transpose ? mx.swapaxes(weight, -1, -2) : weight);
    }
    const product = mx.quantizedMatmul(x, weight, scales, biases, transpose, q.groupSize, q.bits, q.mode);
    if (this.global_scale === undefined) return product;
    return scaledBy(product, mx.expandDims(this.global_scale, [-2, -1])); // [H, 1, 1]
  }
}
