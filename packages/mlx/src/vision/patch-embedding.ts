import { addmm, flatten, type MxArray, matmul, reshape, slice, transpose, zeros } from "../core/index.ts";
import { Module } from "../nn/index.ts";

/**
 * A convolution whose steps are as long as its kernel, as one product: every patch of the image becomes a row.
 * Parameters: `weight [E, P, P, C]`, `bias [E]`.
 */
export class PatchEmbedding extends Module {
  weight: MxArray;
  declare bias?: MxArray;

  /** @param patchSize - side of a square patch */
  constructor(channels: number, dims: number, patchSize: number, bias = true) {
    super();
    this.weight = zeros([dims, patchSize, patchSize, channels]);
    if (bias) this.bias = zeros([dims]);
  }

  /** `[B, C, H, W] -> [B, N, E]`, rows of patches from the top; what is left over at the right and below is cut off. */
  forward(pixels: MxArray): MxArray {
    const patches = cutPatches(pixels, this.weight.dim(1));
    const matrix = transpose(flatten(this.weight, 1)); // [P * P * C, E]
    return this.bias === undefined ? matmul(patches, matrix) : addmm(this.bias, patches, matrix);
  }
}

/** Patches of an image, row by row, channels last: `[B, C, H, W] -> [B, N, P * P * C]`. */
export const cutPatches = (pixels: MxArray, patchSize: number): MxArray => {
  const [P, [B = 1, C = 1, H = 0, W = 0]] = [patchSize, pixels.shape];
  const [rows, columns] = [Math.floor(H / P), Math.floor(W / P)];
  const whole = cut(pixels, rows * P, columns * P);
  const grid = reshape(whole, [B, C, rows, P, columns, P]);
  return reshape(transpose(grid, [0, 2, 4, 3, 5, 1]), [B, rows * columns, P * P * C]);
};

/** The top left `H` by `W` pixels. */
const cut = (pixels: MxArray, H: number, W: number): MxArray => {
  const [B = 1, C = 1, height, width] = pixels.shape;
  return height === H && width === W ? pixels : slice(pixels, [0, 0, 0, 0], [B, C, H, W]);
};
