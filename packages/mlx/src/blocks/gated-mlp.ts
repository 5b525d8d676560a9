import type { MxArray } from "../core/index.ts";
import { type GatedActivation, gated, Linear, Module, silu } from "../nn/index.ts";

/** What an MLP is made of. */
export interface DenseParts {
  /** Gate, up and down, gate and up in one and down, or with `relu2` up and down. */
  readonly layers: readonly Linear[];
  /** How gate and up become one; `relu2` where there is no gate. */
  readonly join: GatedActivation;
}

/** An MLP that there may be operations for. */
export interface DenseMlp {
  /** Undefined where it does something else. */
  readonly parts: DenseParts | undefined;
}

/** `down(activation(gate(x)) * up(x))`, `[..., E] -> [..., E']` over `F` features. */
export class GatedMLP extends Module implements DenseMlp {
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;
  /** How gate and x become one. */
  readonly join: GatedActivation;

  /**
   * @param join - how gate and x become one; default `activation(gate) * x`
   * @param outputDims - default `dims`
   */
  constructor(
    dims: number,
    hiddenDims: number,
    {
      bias = false,
      activation = silu,
      join = gated(activation),
      outputDims = dims,
    }: {
      bias?: boolean;
      activation?: (x: MxArray) => MxArray;
      join?: GatedActivation;
      outputDims?: number;
    } = {},
  ) {
    super();
    this.gate_proj = new Linear(dims, hiddenDims, bias);
    this.up_proj = new Linear(dims, hiddenDims, bias);
    this.down_proj = new Linear(hiddenDims, outputDims, bias);
    this.join = join;
  }

  get parts(): DenseParts | undefined {
    if (this.forward !== GatedMLP.prototype.forward) return undefined;
    const { gate_proj, up_proj, down_proj, join } = this;
    return { layers: [gate_proj, up_proj, down_proj], join };
  }

  forward(x: MxArray): MxArray {
    return this.down_proj.forward(this.join(this.gate_proj.forward(x), this.up_proj.forward(x)));
  }
}
