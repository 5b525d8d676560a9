/** Llama with norms after a branch, and on all queries and keys at once. @see mlx-lm 0.32.2 models/olmo2.py */
import { BranchNormBlock } from "../blocks/branch-norm-block.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { RowNormedAttention } from "../blocks/row-normed-attention.ts";
import { headDim } from "../blocks/self-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): BranchNormBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
  return new BranchNormBlock(new RowNormedAttention(c, rope), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
