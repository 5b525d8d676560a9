import {
  addmm,
  concatenate,
  convGeneral,
  defaultDevice,
  flatten,
  type MxArray,
  matmul,
  pad,
  reshape,
  slice,
  transpose,
  zeros,
} from "../core/index.ts";
import { Module } from "./module.ts";

/** Options of `Conv2d`. */
export interface Conv2dOptions {
  /** Default 1. */
  stride?: number;
  /**
   * Zeros on each side, or `same`: as many as give an output sample for each `stride` input samples, an odd one at the
   * bottom and right, as TensorFlow does. Default 0.
   */
  padding?: number | "same";
  /** Channel groups; equal to the channels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/** Zeros before and after one axis. */
type Margin = readonly [low: number, high: number];

/**
 * Convolution over rows and columns with a square kernel, channels last. Parameters: `weight [C_out, P, P, C_in /
 * groups]`, `bias [C_out]`.
 */
export class Conv2d extends Module {
  weight: MxArray;
  declare bias?: MxArray;
  readonly #stride: number;
  readonly #padding: number | "same";
  readonly #groups: number;

  constructor(
    inputChannels: number,
    outputChannels: number,
    kernelSize: number,
    { stride = 1, padding = 0, groups = 1, bias = true }: Conv2dOptions = {},
  ) {
    super();
    this.weight = zeros([outputChannels, kernelSize, kernelSize, inputChannels / groups]);
    if (bias) this.bias = zeros([outputChannels]);
    this.#stride = stride;
    this.#padding = padding;
    this.#groups = groups;
  }

  /** `[B, H, W, C_in] -> [B, H', W', C_out]` */
  forward(x: MxArray): MxArray {
    const [rows, columns] = [this.#marginOf(x.dim(1)), this.#marginOf(x.dim(2))];
    // stock kernels for the CPU multiply one number at a time, but for channels by themselves nothing is faster
    const isProduct = this.#groups === 1 && (this.weight.dim(1) === 1 || defaultDevice() === "cpu");
    if (isProduct) return this.#product(x, rows, columns);
    const stride = [this.#stride, this.#stride];
    const [low, high] = [0, 1].map((end) => [rows[end] ?? 0, columns[end] ?? 0]);
    const y = convGeneral(x, this.weight, stride, low ?? [], high ?? [], [1, 1], [1, 1], this.#groups);
    return this.bias === undefined ? y : y.add(this.bias);
  }

  #marginOf(size: number): Margin {
    if (this.#padding !== "same") return [this.#padding, this.#padding];
    const outputs = Math.ceil(size / this.#stride);
    const total = Math.max(0, (outputs - 1) * this.#stride + this.weight.dim(1) - size);
    return [total >> 1, total - (total >> 1)];
  }

  /** As one matrix product of the windows under the kernel. */
  #product(x: MxArray, rows: Margin, columns: Margin): MxArray {
    const windows = this.#windows(x, rows, columns); // [B, H', W', P * P * C]
    const matrix = transpose(flatten(this.weight, 1)); // [P * P * C, C_out]
    const [B = 1, H = 1, W = 1, K = 1] = windows.shape;
    const flat = reshape(windows, [B * H * W, K]);
    const y = this.bias === undefined ? matmul(flat, matrix) : addmm(this.bias, flat, matrix);
    return reshape(y, [B, H, W, -1]);
  }

  #windows(x: MxArray, rows: Margin, columns: Margin): MxArray {
    const [P, S] = [this.weight.dim(1), this.#stride];
    const padded = [...rows, ...columns].some((n) => n > 0)
      ? pad(x, [1, 2], [rows[0], columns[0]], [rows[1], columns[1]])
      : x;
    if (P === 1 && S === 1) return padded;
    const [B = 1, height = 0, width = 0, C = 1] = padded.shape;
    const [lastRow, lastColumn] = [height - P, width - P].map((room) => Math.floor(room / S) * S);
    const under = (row: number, column: number): MxArray =>
      slice(
        padded,
        [0, row, column, 0],
        [B, row + (lastRow ?? 0) + 1, column + (lastColumn ?? 0) + 1, C],
        [1, S, S, 1],
      );
    const taps = Array.from({ length: P * P }, (_, i) => under(Math.floor(i / P), i % P));
    return concatenate(taps, -1);
  }
}
