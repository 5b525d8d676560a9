import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { type Choice, topExperts } from "./experts.ts";

/** Norms, projects, and weighs the best experts among themselves, each with a scale of its own. */
export class NormedRouter extends Module {
  proj: Linear;
  scale: MxArray;
  per_expert_scale: MxArray;
  readonly #k: number;
  readonly #eps: number;

  constructor(
    { hidden_size, rms_norm_eps }: { readonly hidden_size: number; readonly rms_norm_eps: number },
    experts: number,
    k: number,
  ) {
    super();
    this.proj = new Linear(hidden_size, experts, false);
    this.scale = mx.ones([hidden_size]);
    this.per_expert_scale = mx.ones([experts]);
    this.#k = k;
    this.#eps = rms_norm_eps;
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const normed = mx.fast.rmsNorm(x, this.scale.multiply(x.dim(-1) ** -0.5), this.#eps); // [B, L, E]
    const [experts, gates] = topExperts(this.proj.forward(normed), this.#k); // [B, L, k]
    return [experts, mx.multiply(mx.softmax(gates, -1), mx.take(this.per_expert_scale, experts))];
  }
}
