/** Mixtral with sigmoid gates, corrected for the choice, and norms over all heads. @see mlx-lm 0.32.2 models/minimax.py */

import { Decoder } from "../blocks/causal-lm.ts";
import { type Routing, routeExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { RowNormedAttention } from "../blocks/row-normed-attention.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SparseBlock } from "../blocks/sparse-block.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { float32, type MxArray, zeros } from "../core/index.ts";
import { Linear, Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackMixtralExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  max_position_embeddings: int.required(),
  num_experts_per_tok: int.required(),
  num_local_experts: int.required(),
  shared_intermediate_size: oneOf(0).required(),
  num_hidden_layers: int.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  rotary_dim: int.required(),
  vocab_size: int.required(),
  head_dim: int.optional(),
  use_qk_norm: bool.default(true),
  tie_word_embeddings: bool.default(false),
  scoring_func: oneOf("sigmoid").optional(),
  qk_norm_type: oneOf("per_layer").optional(),
  use_routing_bias: oneOf(true).optional(),
  attn_type_list: list(oneOf(1).required()).optional(), // 1: attends to everything
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

class SparseMoe extends Module implements Mixture {
  gate: Linear;
  switch_mlp: SwitchGLU;
  e_score_correction_bias: MxArray;
  readonly #k: number;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.num_local_experts, false);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.intermediate_size, c.num_local_experts);
    this.e_score_correction_bias = zeros([c.num_local_experts]);
    this.#k = c.num_experts_per_tok;
  }

  get mixture(): MixtureParts | undefined {
    if (this.forward !== SparseMoe.prototype.forward) return undefined;
    return { router: this.gate, stacks: this.switch_mlp, ...this.#routing };
  }

  get #routing(): Routing {
    return { k: this.#k, score: "sigmoid", bias: this.e_score_correction_bias, isNormed: true };
  }

  forward(x: MxArray): MxArray {
    const gates = this.gate.forward(x.astype(float32)); // [B, L, X]
    const [experts, scores] = routeExperts(gates, this.#routing); // [B, L, k]
    return weighAnswers(this.switch_mlp.forward(x, experts), scores.astype(x.dtype)); // [B, L, E]
  }
}

const makeBlock = (c: Config): SparseBlock => {
  const rope = createRope({ dims: c.rotary_dim, base: c.rope_theta });
  const attention = c.use_qk_norm
    ? new RowNormedAttention({ ...c, attention_bias: false }, rope)
    : new SelfAttention(c, { rope });
  return new SparseBlock(attention, new SparseMoe(c), () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM =>
  new GatedCausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c)), "block_sparse_moe.gate");

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: stackMixtralExperts,
});
