import { dequantize, type MxArray, take, zeros } from "../core/index.ts";
import { MatrixLayer } from "./matrix-layer.ts";
import { matmulTransposed } from "./quantization.ts";

/** A row per token, dense or quantized. Parameters: `weight [V, E]`, `scales`, `biases`. */
export class Embedding extends MatrixLayer {
  constructor(count: number, dims: number) {
    super(zeros([count, dims]));
  }

  /** Token ids `[...]` to rows `[..., E]`. */
  forward(ids: MxArray): MxArray {
    const q = this.quantization;
    const rows = take(this.weight, ids, 0);
    if (q === undefined || this.scales === undefined) return rows;
    const biases = this.biases === undefined ? undefined : take(this.biases, ids, 0);
    return dequantize(rows, take(this.scales, ids, 0), biases, q.groupSize, q.bits, q.mode);
  }

  /** `x [..., E] @ weight.T -> [..., V]`: the output layer of models with tied embeddings. */
  asLinear(x: MxArray): MxArray {
    return matmulTransposed(x, this, this.quantization);
  }
}
