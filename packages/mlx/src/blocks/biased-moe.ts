import { type MxArray, softmax } from "../core/index.ts";
import { type GatedActivation, Linear, Module } from "../nn/index.ts";
import { topExperts, weighAnswers } from "./experts.ts";
import type { Mixture, MixtureParts } from "./mixture-parts.ts";
import { SwitchGLU } from "./switch-glu.ts";

/** Sizes of a `BiasedMoe`. */
export interface BiasedMoeConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_local_experts: number;
  readonly num_experts_per_tok: number;
}

/** GPT-OSS's mixture: biases everywhere, and a softmax over the experts that are asked. */
export class BiasedMoe extends Module implements Mixture {
  experts: SwitchGLU;
  router: Linear;
  readonly #k: number;

  constructor(c: BiasedMoeConfig, join: GatedActivation) {
    super();
    const { hidden_size: E, intermediate_size: F, num_local_experts: X } = c;
    this.experts = new SwitchGLU(E, F, X, { bias: true, join });
    this.router = new Linear(E, X);
    this.#k = c.num_experts_per_tok;
  }

  /** Undefined where a model overrides what it does. */
  get mixture(): MixtureParts | undefined {
    if (this.forward !== BiasedMoe.prototype.forward) return undefined;
    const { router, experts: stacks } = this;
    return { router, stacks, k: this.#k, score: "softmax", isNormed: true };
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const [experts, gates] = topExperts(this.router.forward(x), this.#k); // [B, L, k]
    return weighAnswers(this.experts.forward(x, experts), softmax(gates, -1, true));
  }
}
