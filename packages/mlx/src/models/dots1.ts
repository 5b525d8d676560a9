/** DeepSeek 3's experts under Qwen 3's attention. @see mlx-lm 0.32.2 models/dots1.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { weighAnswers } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mixture, MixtureParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { CorrectedGate } from "../blocks/routed-moe.ts";
import { headDim } from "../blocks/self-attention.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import { add, type MxArray } from "../core/index.ts";
import { Module } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead, stackExpertsInPlace } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record, string } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  first_k_dense_replace: int.required(),
  moe_intermediate_size: int.required(),
  n_routed_experts: int.required(),
  n_shared_experts: int.required(),
  norm_topk_prob: bool.required(),
  num_experts_per_tok: int.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  routed_scaling_factor: number.required(),
  n_group: int.default(1),
  topk_group: int.default(1),
  mlp_bias: bool.default(false),
  tie_word_embeddings: bool.default(false),
  attention_bias: oneOf(false).optional(),
  moe_layer_freq: oneOf(1).optional(),
  scoring_func: string.optional(), // always sigmoid, whatever it says
  topk_method: oneOf("noaux_tc").optional(),
  hidden_act: oneOf("silu").optional(),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

class MoE extends Module implements Mixture {
  experts: SwitchGLU;
  gate: CorrectedGate;
  shared_experts: GatedMLP;

  constructor(c: Config) {
    super();
    const { hidden_size: dims, moe_intermediate_size: F } = c;
    this.experts = new SwitchGLU(dims, F, c.n_routed_experts);
    this.gate = new CorrectedGate(c);
    this.shared_experts = new GatedMLP(dims, F * c.n_shared_experts, { bias: c.mlp_bias });
  }

  get mixture(): MixtureParts | undefined {
    const { parts: shared } = this.shared_experts;
    return this.gate.parts && shared && { ...this.gate.parts, stacks: this.experts, shared };
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    return add(weighAnswers(this.experts.forward(x, experts), scores), this.shared_experts.forward(x)); // [B, L, E]
  }
}

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const isDense = layer < c.first_k_dense_replace;
  const mlp = isDense ? new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }) : new MoE(c);
  return new PreNormBlock(new NormedAttention(c, { rope }), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead, stackExpertsInPlace],
});
