/** OLMo 2's attention in Llama's blocks, with a mixture of experts. @see mlx-lm 0.32.2 models/olmoe.py */

import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { RowNormedAttention } from "../blocks/row-normed-attention.ts";
import { headDim } from "../blocks/self-attention.ts";
import { SparseMoe } from "../blocks/sparse-moe.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.default(1e-5), // OLMoE-1B-7B-0924 leaves it out
  vocab_size: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  norm_topk_prob: bool.default(false),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: oneOf(false).optional(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const mlp = new SparseMoe({ ...c, moe_intermediate_size: c.intermediate_size });
  return new PreNormBlock(new RowNormedAttention(c, rope), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead, stackNamedExperts],
});
