import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { geluApprox, Linear, Module } from "../nn/index.ts";

/** Gemma 3n's gated MLP: only the largest share of its gates counts, by mean and deviation of a normal distribution. */
export class ThinnedMLP extends Module {
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;
  /** Deviations above the mean from which on a gate counts; undefined where all do. */
  readonly #cutoff: MxArray | undefined;

  /** @param sparsity - share of the gates that do not count, below 1 */
  constructor(dims: number, hiddenDims: number, { sparsity = 0 } = {}) {
    super();
    this.gate_proj = new Linear(dims, hiddenDims, false);
    this.up_proj = new Linear(dims, hiddenDims, false);
    this.down_proj = new Linear(hiddenDims, dims, false);
    if (sparsity <= 0) return;
    this.#cutoff = mx.keep(mx.erfinv(mx.array(2 * sparsity - 1, mx.float32)).multiply(Math.SQRT2));
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const gate = this.#thinned(this.gate_proj.forward(x)); // [B, L, F]
    return this.down_proj.forward(mx.multiply(geluApprox(gate), this.up_proj.forward(x)));
  }

  #thinned(gate: MxArray): MxArray {
    if (this.#cutoff === undefined) return gate;
    const deviation = mx.std(gate, -1, true); // [B, L, 1]
    const cutoff = mx.add(mx.mean(gate, -1, true), mx.multiply(deviation, this.#cutoff.astype(gate.dtype)));
    return mx.maximum(0, mx.subtract(gate, cutoff));
  }
}
