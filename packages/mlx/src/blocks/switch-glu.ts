import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type GatedActivation, Module, swiglu } from "../nn/index.ts";
import { SwitchLinear } from "./switch-linear.ts";

/** From here on, bringing tokens of one expert together is cheaper than jumping between weights. */
const SORT_FROM = 64;

/** Products on the CPU bring rows of one expert together themselves. */
const isSorting = (experts: MxArray): boolean => experts.size >= SORT_FROM && mx.defaultDevice() !== "cpu";

/**
 * What experts answer about each position: `answer` sees positions `[..., 1, E]` and the expert of each, ascending
 * when it is told so, and gives `[..., 1, E]`.
 *
 * @param x - `[B, L, E]`
 * @param experts - `[B, L, k]`, the experts that each position asks
 * @returns `[B, L, k, E]`
 */
export const askExperts = (
  x: MxArray,
  experts: MxArray,
  answer: (x: MxArray, experts: MxArray, isSorted: boolean) => MxArray,
): MxArray => {
  const rows = mx.expandDims(x, [-2, -3]); // [B, L, 1, 1, E]
  if (!isSorting(experts)) return mx.squeeze(answer(rows, experts, false), -2);
  const asked = mx.reshape(experts, [-1]); // [B * L * k]
  const order = mx.argsort(asked);
  const position = mx.floorDivide(order, experts.dim(-1)); // which row each question is about
  const sorted = mx.take(mx.reshape(rows, [-1, 1, x.dim(-1)]), position, 0); // [B * L * k, 1, E]
  const answers = answer(sorted, mx.take(asked, order), true);
  return mx.reshape(mx.take(answers, mx.argsort(order), 0), [...experts.shape, -1]);
};

/** A gated MLP per expert. @see mlx-lm 0.32.2 models/switch_layers.py */
export class SwitchGLU extends Module {
  gate_proj: SwitchLinear;
  up_proj: SwitchLinear;
  down_proj: SwitchLinear;
  /** How gate and x become one. */
  readonly join: GatedActivation;

  constructor(
    dims: number,
    hiddenDims: number,
    experts: number,
    { bias = false, join = swiglu }: { bias?: boolean; join?: GatedActivation } = {},
  ) {
    super();
    this.gate_proj = new SwitchLinear(dims, hiddenDims, experts, bias);
    this.up_proj = new SwitchLinear(dims, hiddenDims, experts, bias);
    this.down_proj = new SwitchLinear(hiddenDims, dims, experts, bias);
    this.join = join;
  }

  /** `[B, L, E]`, asking experts `[B, L, k]`, to `[B, L, k, E]`. */
  forward(x: MxArray, experts: MxArray): MxArray {
    return askExperts(x, experts, (rows, expert, isSorted) => {
      const up = this.up_proj.forward(rows, expert, isSorted);
      const gate = this.gate_proj.forward(rows, expert, isSorted);
      return this.down_proj.forward(this.join(gate, up), expert, isSorted);
    });
  }
}
