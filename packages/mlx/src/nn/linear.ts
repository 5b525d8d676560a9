import { addmm, type MxArray, transpose, zeros } from "../core/index.ts";
import { MatrixLayer } from "./matrix-layer.ts";
import { matmulTransposed } from "./quantization.ts";

/** `y = x @ weight.T + bias`, dense or quantized. Parameters: `weight [N, K]`, `bias [N]`, `scales`, `biases`. */
export class Linear extends MatrixLayer {
  declare bias?: MxArray;

  constructor(inputDims: number, outputDims: number, bias = true) {
    super(zeros([outputDims, inputDims]));
    if (bias) this.bias = zeros([outputDims]);
  }

  /** `[..., K] -> [..., N]` */
  forward(x: MxArray): MxArray {
    if (this.bias === undefined) return matmulTransposed(x, this, this.quantization);
    if (this.quantization === undefined) return addmm(this.bias, x, transpose(this.weight));
    return matmulTransposed(x, this, this.quantization).add(this.bias);
  }
}
