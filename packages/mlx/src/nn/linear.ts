import { addmm, type MxArray, transpose, zeros } from "../core/index.ts";
import { MatrixLayer } from "./matrix-layer.ts";
import { matmulTransposed } from "./quantization.ts";
import { updatedProduct } from "./weight-update.ts";

/** `y = x @ weight.T + bias`, dense or quantized. Parameters: `weight [N, K]`, `bias [N]`, `scales`, `biases`. */
export class Linear extends MatrixLayer {
  declare bias?: MxArray;

  constructor(inputDims: number, outputDims: number, bias = true) {
    super(zeros([outputDims, inputDims]));
    if (bias) this.bias = zeros([outputDims]);
  }

  /** `[..., K] -> [..., N]` */
  forward(x: MxArray): MxArray {
    const { bias, update, quantization } = this;
    if (bias === undefined && update === undefined) return matmulTransposed(x, this, quantization);
    if (bias !== undefined && update === undefined && quantization === undefined)
      return addmm(bias, x, transpose(this.weight));
    const product = matmulTransposed(x, this, quantization);
    const y = update === undefined ? product : updatedProduct(x, product, update);
    return bias === undefined ? y : y.add(bias);
  }
}
