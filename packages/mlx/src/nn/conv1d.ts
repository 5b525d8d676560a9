import { conv1d, type MxArray, zeros } from "../core/index.ts";
import { Module } from "./module.ts";

/** Options of `Conv1d`. */
export interface Conv1dOptions {
  /** Default 1. */
  stride?: number;
  /** Default 0. */
  padding?: number;
  /** Default 1. */
  dilation?: number;
  /** Channel groups; equal to the channels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

/** Convolution over a sequence, channels last. Parameters: `weight [C_out, W, C_in / groups]`, `bias [C_out]`. */
export class Conv1d extends Module {
  weight: MxArray;
  declare bias?: MxArray;
  readonly #options: Required<Omit<Conv1dOptions, "bias">>;

  constructor(
    inputChannels: number,
    outputChannels: number,
    kernelSize: number,
    options: Conv1dOptions = {},
  ) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    this.#options = { stride, padding, dilation, groups };
    this.weight = zeros([outputChannels, kernelSize, inputChannels / groups]);
    if (bias) this.bias = zeros([outputChannels]);
  }

  /** `[B, L, C_in] -> [B, L', C_out]` */
  forward(x: MxArray): MxArray {
    const { stride, padding, dilation, groups } = this.#options;
    const y = conv1d(x, this.weight, stride, padding, dilation, groups);
    return this.bias === undefined ? y : y.add(this.bias);
  }
}
