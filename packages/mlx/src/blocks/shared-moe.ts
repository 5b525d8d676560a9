import { add, type MxArray, multiply, sigmoid } from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import { GatedMLP } from "./gated-mlp.ts";
import type { MixtureParts } from "./mixture-parts.ts";
import { SparseMoe, type SparseMoeConfig } from "./sparse-moe.ts";

/** Keys of a config that `SharedMoe` reads. */
export interface SharedMoeConfig extends SparseMoeConfig {
  readonly shared_expert_intermediate_size: number;
}

/** Qwen's mixture beside an expert that every position asks, as far as a gate lets it. */
export class SharedMoe extends SparseMoe {
  shared_expert: GatedMLP;
  shared_expert_gate: Linear;

  constructor(c: SharedMoeConfig) {
    super(c);
    this.shared_expert = new GatedMLP(c.hidden_size, c.shared_expert_intermediate_size);
    this.shared_expert_gate = new Linear(c.hidden_size, 1, false);
  }

  override get mixture(): MixtureParts | undefined {
    if (this.forward !== SharedMoe.prototype.forward) return undefined;
    const { parts } = this.shared_expert;
    return parts && { ...this.routedParts, shared: { ...parts, gate: this.shared_expert_gate } };
  }

  override forward(x: MxArray): MxArray {
    const gate = sigmoid(this.shared_expert_gate.forward(x)); // [B, L, 1]
    return add(super.forward(x), multiply(gate, this.shared_expert.forward(x))); // [B, L, E]
  }
}
