import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type GatedActivation, Module, swiglu } from "../nn/index.ts";
import { type Choice, type Routing, routeExperts, weighAnswers } from "./experts.ts";
import { GatedMLP } from "./gated-mlp.ts";
import { SwitchGLU } from "./switch-glu.ts";

/** Keys of a config that `LimitedMoe` reads. */
export interface LimitedMoeConfig {
  readonly hidden_size: number;
  readonly moe_intermediate_size: number;
  readonly n_routed_experts: number;
  readonly num_experts_per_tok: number;
  readonly scoring_func: Routing["score"];
  /** Divides the gates. */
  readonly gate_temp: number;
  readonly norm_topk_prob: boolean;
  readonly routed_scaling_factor: number;
  /** How large both sides of an activation may be; 0 for no limit. */
  readonly swiglu_limit: number;
}

/** A gated activation in float32 whose sides are limited, where a limit is set. */
const limited = (limit: number): GatedActivation => {
  const cut = (gate: MxArray, x: MxArray): [MxArray, MxArray] =>
    limit > 0 ? [mx.minimum(gate, limit), mx.clip(x, -limit, limit)] : [gate, x];
  return (gate, x) => swiglu(...cut(gate.astype(mx.float32), x.astype(mx.float32))).astype(x.dtype);
};

class Router extends Module {
  weight: MxArray;
  e_score_correction_bias: MxArray;
  readonly #c: LimitedMoeConfig;

  constructor(c: LimitedMoeConfig) {
    super();
    this.weight = mx.zeros([c.n_routed_experts, c.hidden_size]);
    this.e_score_correction_bias = mx.zeros([c.n_routed_experts]);
    this.#c = c;
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const { num_experts_per_tok: k, norm_topk_prob, routed_scaling_factor: scale, ...c } = this.#c;
    const gates = mx.matmul(x.astype(mx.float32), mx.transpose(this.weight.astype(mx.float32)));
    return routeExperts(gates.divide(c.gate_temp), {
      k,
      score: c.scoring_func,
      bias: this.e_score_correction_bias,
      isNormed: norm_topk_prob && k > 1,
      scale,
    });
  }
}

class Experts extends Module {
  switch_mlp: SwitchGLU;

  constructor(c: LimitedMoeConfig) {
    super();
    const join = limited(c.swiglu_limit);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.moe_intermediate_size, c.n_routed_experts, { join });
  }
}

/** A mixture of gated experts with limited activations, and one that every position asks. */
export class LimitedMoe extends Module {
  gate: Router;
  experts: Experts;
  shared_experts: GatedMLP;

  constructor(c: LimitedMoeConfig) {
    super();
    this.gate = new Router(c);
    this.experts = new Experts(c);
    this.shared_experts = new GatedMLP(c.hidden_size, c.moe_intermediate_size, {
      join: limited(c.swiglu_limit),
    });
  }

  /** `[B, L, E] -> [B, L, E]`, summed in float32 */
  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    const answers = this.experts.switch_mlp.forward(x, experts).astype(mx.float32); // [B, L, k, E]
    const shared = this.shared_experts.forward(x).astype(mx.float32);
    return mx.add(weighAnswers(answers, scores), shared).astype(x.dtype);
  }
}
