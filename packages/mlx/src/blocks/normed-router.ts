import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { DerivedArray, Linear, Module } from "../nn/index.ts";
import { type Choice, topExperts } from "./experts.ts";
import type { MixtureParts } from "./mixture-parts.ts";
import type { SwitchGLU } from "./switch-glu.ts";

/** Norms, projects, and weighs the best experts among themselves, each with a scale of its own. */
export class NormedRouter extends Module {
  proj: Linear;
  scale: MxArray;
  per_expert_scale: MxArray;
  readonly #k: number;
  readonly #eps: number;
  readonly #gain: DerivedArray;

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
    this.#gain = new DerivedArray((scale) => scale.multiply(hidden_size ** -0.5));
  }

  /** What normed features are multiplied by, `[E]`. */
  get gain(): MxArray {
    return this.#gain.of(this.scale);
  }

  /** What `route` does beside that, with these experts; undefined where a model overrides it. */
  mixtureOf(stacks: SwitchGLU): MixtureParts | undefined {
    if (this.route !== NormedRouter.prototype.route) return undefined;
    const { proj: router, per_expert_scale: scales } = this;
    return { router, stacks, k: this.#k, score: "softmax", isNormed: true, scales };
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const normed = mx.fast.rmsNorm(x, this.gain, this.#eps); // [B, L, E]
    const [experts, gates] = topExperts(this.proj.forward(normed), this.#k); // [B, L, k]
    return [experts, mx.multiply(mx.softmax(gates, -1), mx.take(this.per_expert_scale, experts))];
  }
}
