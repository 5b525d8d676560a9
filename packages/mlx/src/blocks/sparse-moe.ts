import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { topExperts, weighAnswers } from "./experts.ts";
import type { Mixture, MixtureParts } from "./mixture-parts.ts";
import { SwitchGLU } from "./switch-glu.ts";

/** Keys of a config that `SparseMoe` reads. */
export interface SparseMoeConfig {
  readonly hidden_size: number;
  readonly moe_intermediate_size: number;
  readonly num_experts: number;
  readonly num_experts_per_tok: number;
  /** Whether the gates of the chosen experts are scaled to sum to 1. */
  readonly norm_topk_prob: boolean;
}

/** Qwen's mixture: a softmax over all experts, then the best of them. */
export class SparseMoe extends Module implements Mixture {
  gate: Linear;
  switch_mlp: SwitchGLU;
  /** Experts that each position asks. */
  readonly k: number;
  /** Whether the gates of those are scaled to sum to 1. */
  readonly isNormed: boolean;

  constructor(c: SparseMoeConfig) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.moe_intermediate_size, c.num_experts);
    this.k = c.num_experts_per_tok;
    this.isNormed = c.norm_topk_prob;
  }

  /** Undefined where a model overrides what it does. */
  get mixture(): MixtureParts | undefined {
    return this.forward === SparseMoe.prototype.forward ? this.routedParts : undefined;
  }

  protected get routedParts(): MixtureParts {
    const { gate: router, switch_mlp: stacks, k, isNormed } = this;
    return { router, stacks, k, score: "softmax", isNormed };
  }

  /** `[B, L, E] -> [B, L, E]` */
  forward(x: MxArray): MxArray {
    const gates = mx.softmax(this.gate.forward(x), -1, true); // [B, L, X]
    const [experts, chosen] = topExperts(gates, this.k); // [B, L, k]
    const scores = this.isNormed ? mx.divide(chosen, mx.sum(chosen, -1, true)) : chosen;
    return weighAnswers(this.switch_mlp.forward(x, experts), scores);
  }
}

/** Whether a layer is a mixture: every `decoder_sparse_step`th one, except those listed. */
export const isSparseLayer = (
  c: {
    readonly num_experts: number;
    readonly decoder_sparse_step: number;
    readonly mlp_only_layers: readonly number[];
  },
  layer: number,
): boolean =>
  c.num_experts > 0 && !c.mlp_only_layers.includes(layer) && (layer + 1) % c.decoder_sparse_step === 0;
