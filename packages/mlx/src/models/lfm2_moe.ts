/** LFM2 with a mixture of experts behind its first layers. @see mlx-lm 0.32.2 models/lfm2_moe.py */
import { type Choice, normScores, topExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackFeedForwardExperts } from "./common-rules.ts";
import { bool, type Infer, int, number } from "./config.ts";
import { Lfm2Decoder, moveShortConvChannels, sharedSchema } from "./lfm2.ts";
import { rename } from "./sanitize-rules.ts";

const config = {
  ...sharedSchema,
  num_key_value_heads: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  norm_topk_prob: bool.required(),
  use_expert_bias: bool.required(),
  num_dense_layers: int.required(),
  routed_scaling_factor: number.default(1),
};
type Config = Infer<typeof config>;

class SparseMoe extends Module implements Mixture {
  gate: Linear;
  switch_mlp: SwitchGLU;
  declare expert_bias?: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.moe_intermediate_size, c.num_experts);
    if (c.use_expert_bias) this.expert_bias = mx.zeros([c.num_experts]);
    this.#c = c;
  }

  get mixture(): MixtureParts {
    const { num_experts_per_tok: k, norm_topk_prob: isNormed, routed_scaling_factor: scale } = this.#c;
    const { gate: router, switch_mlp: stacks, expert_bias: bias } = this;
    return { router, stacks, k, score: "sigmoid", isNormed, bias, scale };
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.#route(x); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), scores.astype(x.dtype)); // [B, L, E]
  }

  /** `[B, L, E] -> [B, L, k]` twice; the bias takes part in the choice alone. */
  #route(x: MxArray): Choice {
    const { num_experts_per_tok: k, norm_topk_prob, routed_scaling_factor } = this.#c;
    const scores = mx.sigmoid(this.gate.forward(x)); // [B, L, X]
    const bias = this.expert_bias;
    const [experts] = topExperts(bias === undefined ? scores : scores.astype(mx.float32).add(bias), k);
    const chosen = mx.takeAlongAxis(scores, experts, -1);
    const normed = norm_topk_prob ? normScores(chosen, 1e-6) : chosen;
    return [experts, normed.multiply(routed_scaling_factor)];
  }
}

const makeFeedForward = (c: Config, layer: number): FeedForward =>
  layer < c.num_dense_layers ? new GatedMLP(c.hidden_size, c.intermediate_size) : new SparseMoe(c);

export const architecture = defineArchitecture({
  config,
  create: (c) =>
    new GatedCausalLM(
      { ...c, tie_word_embeddings: true },
      new Lfm2Decoder(c, (layer) => makeFeedForward(c, layer)),
      "feed_forward.gate",
    ),
  sanitize: [
    moveShortConvChannels,
    rename(/w1\.weight/, "gate_proj.weight"),
    rename(/w2\.weight/, "down_proj.weight"),
    rename(/w3\.weight/, "up_proj.weight"),
    stackFeedForwardExperts,
  ],
});
