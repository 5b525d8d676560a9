/** Qwen 2 with a mixture of experts beside a gated shared one. @see mlx-lm 0.32.2 models/qwen2_moe.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SharedMoe } from "../blocks/shared-moe.ts";
import { isSparseLayer } from "../blocks/sparse-moe.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_experts_per_tok: int.required(),
  num_experts: int.required(),
  moe_intermediate_size: int.required(),
  shared_expert_intermediate_size: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.optional(),
  rope_theta: number.default(1000000),
  rope_traditional: bool.default(false),
  norm_topk_prob: bool.default(false),
  decoder_sparse_step: int.default(1),
  mlp_only_layers: list(int.required()).default([]),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: c.rope_traditional });
  const attention = new SelfAttention(c, { rope, bias: true, outputBias: false });
  const mlp = isSparseLayer(c, layer) ? new SharedMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(attention, mlp, () => rmsNorm(c));
};

const create = (c: Config): CausalLM => {
  const model = new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c));
  return new CausalLM({ ...c, tie_word_embeddings: false }, model);
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropRotaryTables, stackNamedExperts],
});
