import { type Dtype, fast, type MxArray, take, zeros } from "../core/index.ts";
import { MatrixLayer } from "./matrix-layer.ts";
import { matmulTransposed } from "./quantization.ts";
import { updatedProduct, updatedRows } from "./weight-update.ts";

/** A row per token, dense or quantized. Parameters: `weight [V, E]`, `scales`, `biases`. */
export class Embedding extends MatrixLayer {
  #rowDtype: Dtype | undefined;

  constructor(count: number, dims: number) {
    super(zeros([count, dims]));
  }

  /** Token ids `[...]` to rows `[..., E]`. */
  forward(ids: MxArray): MxArray {
    const rows = this.#rows(ids);
    return this.update === undefined ? rows : updatedRows(ids, rows, this.update);
  }

  #rows(ids: MxArray): MxArray {
    const q = this.quantization;
    if (q === undefined || this.scales === undefined) return this.#given(take(this.weight, ids, 0));
    const { weight, scales, biases } = this;
    return fast.quantizedEmbedding(
      ...([ids, weight, scales, biases, q.groupSize, q.bits, q.mode, this.#rowDtype] as const),
    );
  }

  /** Makes rows, and the dense matrix, come in another dtype than what is stored. */
  giveRowsIn(dtype: Dtype): void {
    this.#rowDtype = dtype;
  }

  override get updatedWeight(): MxArray {
    return this.#given(super.updatedWeight);
  }

  #given(array: MxArray): MxArray {
    return this.#rowDtype === undefined ? array : array.astype(this.#rowDtype);
  }

  /** `x [..., E] @ weight.T -> [..., V]`: the output layer of models with tied embeddings. */
  asLinear(x: MxArray): MxArray {
    const product = matmulTransposed(x, this, this.quantization);
    return this.update === undefined ? product : updatedProduct(x, product, this.update);
  }
}
