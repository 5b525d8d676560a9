/** Normalisation layers. */
import { fast, type MxArray, ones, zeros } from "../core/index.ts";
import { DerivedArray } from "./derived-array.ts";
import { Module } from "./module.ts";

/** `x / sqrt(mean(x ** 2) + eps) * weight` over the last axis. Parameter: `weight [E]`. */
export class RMSNorm extends Module {
  weight: MxArray;
  readonly eps: number;

  constructor(dims: number, eps = 1e-5) {
    super();
    this.weight = ones([dims]);
    this.eps = eps;
  }

  /** What normed features are multiplied by, `[E]`. */
  get gain(): MxArray {
    return this.weight;
  }

  forward(x: MxArray): MxArray {
    return fast.rmsNorm(x, this.gain, this.eps);
  }
}

/** RMSNorm whose checkpoints store the weight minus `offset`, as Gemma's do minus one. Parameter: `weight [E]`. */
export class OffsetRMSNorm extends RMSNorm {
  readonly #gain: DerivedArray;

  constructor(dims: number, eps = 1e-6, offset = 1) {
    super(dims, eps);
    this.weight = zeros([dims]);
    this.#gain = new DerivedArray((weight) => weight.add(offset));
  }

  override get gain(): MxArray {
    return this.#gain.of(this.weight);
  }
}

/** `x / sqrt(mean(x ** 2) + eps)` over the last axis. No parameters. */
export class BareRMSNorm extends Module {
  readonly #eps: number;

  constructor(eps = 1e-5) {
    super();
    this.#eps = eps;
  }

  forward(x: MxArray): MxArray {
    return fast.rmsNorm(x, undefined, this.#eps);
  }
}

/** Options of `LayerNorm`. */
export interface LayerNormOptions {
  /** Default 1e-5. */
  eps?: number;
  /** Learn a scale; default true. */
  affine?: boolean;
  /** Learn a shift too; default true. */
  bias?: boolean;
}

/** `(x - mean) / sqrt(var + eps) * weight + bias` over the last axis. Parameters: `weight [E]`, `bias [E]`. */
export class LayerNorm extends Module {
  declare weight?: MxArray;
  declare bias?: MxArray;
  readonly #eps: number;

  constructor(dims: number, { eps = 1e-5, affine = true, bias = true }: LayerNormOptions = {}) {
    super();
    this.#eps = eps;
    if (affine) this.weight = ones([dims]);
    if (affine && bias) this.bias = zeros([dims]);
  }

  forward(x: MxArray): MxArray {
    return fast.layerNorm(x, this.weight, this.bias, this.#eps);
  }
}
