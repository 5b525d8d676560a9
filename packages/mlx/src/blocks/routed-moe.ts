import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Module } from "../nn/index.ts";
import { type Choice, type Routing, routeExperts, weighAnswers } from "./experts.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { Mixture, MixtureParts, RouterParts } from "./mixture-parts.ts";
import { SwitchGLU } from "./switch-glu.ts";

/** Chooses experts for each position. */
export interface ExpertGate extends Module {
  /** What it chooses by; undefined or absent where that has other parts. */
  readonly parts?: RouterParts | undefined;
  route(x: MxArray): Choice;
}

/** Keys of a config that `CorrectedGate` reads. */
export interface CorrectedGateConfig {
  readonly hidden_size: number;
  readonly n_routed_experts: number;
  readonly num_experts_per_tok: number;
  readonly n_group: number;
  readonly topk_group: number;
  readonly norm_topk_prob: boolean;
  readonly routed_scaling_factor: number;
}

/** DeepSeek 3's gate: sigmoid scores, corrected for the choice alone. Not a linear layer, so it is never quantized. */
export class CorrectedGate extends Module {
  weight: MxArray;
  e_score_correction_bias: MxArray;
  readonly #c: CorrectedGateConfig;

  constructor(c: CorrectedGateConfig) {
    super();
    this.weight = mx.zeros([c.n_routed_experts, c.hidden_size]);
    this.e_score_correction_bias = mx.zeros([c.n_routed_experts]);
    this.#c = c;
  }

  get parts(): RouterParts | undefined {
    if (this.route !== CorrectedGate.prototype.route) return undefined;
    return { router: this.weight, ...this.#routing };
  }

  get #routing(): Routing {
    const c = this.#c;
    return {
      k: c.num_experts_per_tok,
      score: "sigmoid",
      bias: this.e_score_correction_bias,
      groups: { count: c.n_group, kept: c.topk_group },
      isNormed: c.norm_topk_prob && c.num_experts_per_tok > 1,
      scale: c.routed_scaling_factor,
    };
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    return routeExperts(mx.matmul(x, mx.transpose(this.weight)), this.#routing);
  }
}

/** Keys of a config that `RoutedMoe` reads. */
export interface RoutedMoeConfig {
  readonly hidden_size: number;
  readonly moe_intermediate_size: number;
  readonly n_routed_experts: number;
  readonly n_shared_experts?: number | undefined;
  /** Features of one shared expert. Default: as a routed one's. */
  readonly shared_intermediate_size?: number | undefined;
  readonly use_bias?: boolean;
}

/** DeepSeek's mixture: experts that a gate chooses, and shared ones that every position asks. */
export class RoutedMoe extends Module implements Mixture {
  gate: ExpertGate;
  switch_mlp: SwitchGLU;
  declare shared_experts?: GatedMLP;

  constructor(c: RoutedMoeConfig, gate: ExpertGate) {
    super();
    this.gate = gate;
    const {
      hidden_size: dims,
      moe_intermediate_size: F,
      n_shared_experts: shared = 0,
      use_bias: bias = false,
    } = c;
    this.switch_mlp = new SwitchGLU(dims, F, c.n_routed_experts, { bias });
    if (shared > 0) {
      this.shared_experts = new GatedMLP(dims, (c.shared_intermediate_size ?? F) * shared, { bias });
    }
  }

  get mixture(): MixtureParts | undefined {
    const { gate, switch_mlp: stacks, shared_experts } = this;
    if (this.forward !== RoutedMoe.prototype.forward || gate.parts === undefined) return undefined;
    if (shared_experts === undefined) return { ...gate.parts, stacks };
    const { parts: shared } = shared_experts;
    return shared && { ...gate.parts, stacks, shared };
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    const answer = weighAnswers(this.switch_mlp.forward(x, experts), scores); // [B, L, E]
    return this.shared_experts === undefined ? answer : mx.add(answer, this.shared_experts.forward(x));
  }
}
