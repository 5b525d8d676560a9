import { addmm, flatten, type MxArray, matmul, transpose, zeros } from "../core/index.ts";
import { Module } from "../nn/index.ts";

/**
 * A convolution over frames whose patches come cut out already, as one product. Parameters: `weight [E, T, P, P, C]`,
 * `bias [E]`.
 */
export class VolumeEmbedding extends Module {
  weight: MxArray;
  declare bias?: MxArray;

  constructor(channels: number, dims: number, frames: number, patchSize: number, bias = false) {
    super();
    this.weight = zeros([dims, frames, patchSize, patchSize, channels]);
    if (bias) this.bias = zeros([dims]);
  }

  /** Patches with channels first `[N, C * T * P * P]` to `[N, E]`. */
  forward(patches: MxArray): MxArray {
    const matrix = transpose(flatten(transpose(this.weight, [0, 4, 1, 2, 3]), 1));
    return this.bias === undefined ? matmul(patches, matrix) : addmm(this.bias, patches, matrix);
  }
}
