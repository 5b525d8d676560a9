/** What linear layers and embeddings share: a weight matrix that can be quantized in place. */
import { keep, type MxArray, zeros } from "../core/index.ts";
import { Module } from "./module.ts";
import {
  type Quantization,
  quantizedPlaceholder,
  quantizeMatrix,
  type WeightMatrix,
} from "./quantization.ts";
import { updatedMatrix, type WeightUpdate } from "./weight-update.ts";

/** A layer around one weight matrix `[N, K]`, dense or quantized along K. */
export abstract class MatrixLayer extends Module implements WeightMatrix {
  weight: MxArray;
  declare scales?: MxArray;
  declare biases?: MxArray;
  declare global_scale?: MxArray;
  /** What an adapter makes of the matrix. Its arrays are the adapter's, and no parameters of the layer. */
  declare update?: WeightUpdate | undefined;
  #shape: readonly number[];
  #quantization: Quantization | undefined;

  constructor(weight: MxArray) {
    super();
    this.weight = weight;
    this.#shape = weight.shape;
  }

  /** `[N, K]` of the dense matrix. */
  get matrixShape(): readonly number[] {
    return this.#shape;
  }

  /** The dense matrix with what an adapter makes of it, for who reads it past `forward`. */
  get updatedWeight(): MxArray {
    return this.update === undefined ? this.weight : updatedMatrix(this.weight, this.update);
  }

  /** Undefined while dense. */
  get quantization(): Quantization | undefined {
    return this.#quantization;
  }

  /** Replaces the dense weights by their quantized form. @throws {MlxError} when K does not divide into groups */
  quantize(q: Quantization): void {
    this.#adopt(quantizeMatrix(this.weight, q), q);
  }

  /** Makes room for quantized weights that `loadWeights` will bring. */
  expectQuantized(q: Quantization): void {
    this.#adopt(quantizedPlaceholder(this.#shape, q), q);
  }

  /** Makes room for what the nvfp4 scales of a whole matrix are relative to. */
  expectGlobalScale(): void {
    this.holdGlobalScale([]);
  }

  protected holdGlobalScale(shape: readonly number[]): void {
    this.global_scale = keep(zeros(shape));
  }

  #adopt(matrix: WeightMatrix, q: Quantization): void {
    this.weight.dispose();
    this.weight = keep(matrix.weight);
    if (matrix.scales !== undefined) this.scales = keep(matrix.scales);
    if (matrix.biases !== undefined) this.biases = keep(matrix.biases);
    this.#quantization = q;
  }
}
