import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { scaledBy } from "../nn/index.ts";
import { MatrixStack } from "./matrix-stack.ts";

/** A linear map per expert, dense or quantized. Parameters: `weight [X, N, K]`, `bias [X, N]`, `scales`, `biases`. */
export class SwitchLinear extends MatrixStack {
  declare bias?: MxArray;

  constructor(inputDims: number, outputDims: number, experts: number, bias = false) {
    super(inputDims, outputDims, experts);
    if (bias) this.bias = mx.zeros([experts, outputDims]);
  }

  /**
   * @param x - `[..., M, K]`, its leading axes broadcast with those of `experts`
   * @param experts - `[...]`, the expert of each matrix
   * @param isSorted - whether `experts` ascends
   * @returns `[..., M, N]`
   */
  forward(x: MxArray, experts: MxArray, isSorted = false): MxArray {
    const product = this.#updated(x, this.#product(x, experts, isSorted), experts, isSorted);
    return this.bias === undefined ? product : mx.fast.addGatheredRows(product, this.bias, experts);
  }

  /** The product with the matrices as an adapter has them. */
  #updated(x: MxArray, product: MxArray, experts: MxArray, isSorted: boolean): MxArray {
    if (this.update === undefined) return product;
    const { down, up } = this.update;
    const low = mx.gatherMm(x, down, undefined, experts, isSorted); // [..., M, r]
    const added = mx.gatherMm(low, up, undefined, experts, isSorted); // [..., M, N]
    return product.add(added).astype(product.dtype);
  }

  #product(x: MxArray, experts: MxArray, isSorted: boolean): MxArray {
    const { quantization: q, weight, scales, biases } = this;
    if (q === undefined || scales === undefined) {
      return mx.gatherMm(x, mx.swapaxes(weight, -1, -2), undefined, experts, isSorted);
    }
    const { groupSize, bits, mode } = q;
    const product = mx.gatherQmm(
      x,
      weight,
      scales,
      biases,
      undefined,
      experts,
      true,
      groupSize,
      bits,
      mode,
      undefined,
      isSorted,
    );
    if (this.global_scale === undefined) return product;
    return scaledBy(product, mx.expandDims(mx.take(this.global_scale, experts), [-2, -1])); // [..., 1, 1]
  }
}
