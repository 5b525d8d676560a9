import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { MatrixLayer, type Quantization } from "../nn/index.ts";

/**
 * One matrix per expert or head, dense or quantized. Parameters: `weight [X, N, K]`, `scales`, `biases`, and
 * `global_scale [X]` where a checkpoint has it.
 */
export abstract class MatrixStack extends MatrixLayer {
  readonly #count: number;

  constructor(inputDims: number, outputDims: number, count: number) {
    super(mx.zeros([count * outputDims, inputDims])); // a matrix of all rows, as the base quantizes it
    this.#count = count;
    this.#separate();
  }

  override expectQuantized(q: Quantization): void {
    super.expectQuantized(q);
    this.#separate();
  }

  override expectGlobalScale(): void {
    this.holdGlobalScale([this.#count]);
  }

  #separate(): void {
    const separate = (a: MxArray) => mx.replace(a, mx.reshape(a, [this.#count, -1, a.dim(-1)])); // [X, N, K]
    this.weight = separate(this.weight);
    if (this.scales !== undefined) this.scales = separate(this.scales);
    if (this.biases !== undefined) this.biases = separate(this.biases);
  }
}
