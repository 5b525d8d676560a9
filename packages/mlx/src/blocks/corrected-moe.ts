import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type GatedActivation, Linear, Module, RMSNorm } from "../nn/index.ts";
import { type Routing, routeExperts, weighAnswers } from "./experts.ts";
import { GatedMLP } from "./gated-mlp.ts";
import { SwitchGLU } from "./switch-glu.ts";

/** Sizes of a `CorrectedMoe`. */
export interface CorrectedMoeConfig {
  readonly hidden_size: number;
  readonly experts: number;
  /** Features of one expert. */
  readonly width: number;
  /** Features of what every position asks besides; 0 for none. */
  readonly sharedWidth: number;
  /** What experts see and answer, where that is not all features; normed with `eps` where that is given. */
  readonly narrow?: { readonly dims: number; readonly eps?: number | undefined } | undefined;
  readonly join?: GatedActivation;
}

/** Experts on all features or on a few of them, beside shared ones; the correction of the choice lies beside the gate. */
export class CorrectedMoe extends Module {
  gate: Linear;
  switch_mlp: SwitchGLU;
  e_score_correction_bias: MxArray;
  declare routed_expert_down_proj?: Linear;
  declare routed_expert_up_proj?: Linear;
  declare routed_expert_norm?: RMSNorm;
  declare shared_experts?: GatedMLP;
  readonly #routing: Omit<Routing, "bias">;

  constructor(c: CorrectedMoeConfig, routing: Omit<Routing, "bias">) {
    super();
    const { hidden_size: E, narrow, join } = c;
    const activation = join && { join };
    this.gate = new Linear(E, c.experts, false);
    this.switch_mlp = new SwitchGLU(narrow?.dims ?? E, c.width, c.experts, activation);
    this.e_score_correction_bias = mx.zeros([c.experts]);
    if (narrow !== undefined) {
      this.routed_expert_down_proj = new Linear(E, narrow.dims, false);
      this.routed_expert_up_proj = new Linear(narrow.dims, E, false);
      if (narrow.eps !== undefined) this.routed_expert_norm = new RMSNorm(narrow.dims, narrow.eps);
    }
    if (c.sharedWidth > 0) this.shared_experts = new GatedMLP(E, c.sharedWidth, activation);
    this.#routing = routing;
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const routing = { ...this.#routing, bias: this.e_score_correction_bias };
    const [experts, scores] = routeExperts(this.gate.forward(x), routing); // [B, L, k]
    const asked = this.routed_expert_down_proj?.forward(x) ?? x; // [B, L, narrow]
    const weighed = weighAnswers(this.switch_mlp.forward(asked, experts), scores.astype(x.dtype));
    const normed = this.routed_expert_norm?.forward(weighed) ?? weighed;
    const answer = this.routed_expert_up_proj?.forward(normed) ?? normed; // [B, L, E]
    return this.shared_experts === undefined ? answer : mx.add(answer, this.shared_experts.forward(x));
  }
}
