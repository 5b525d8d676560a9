/** Llama with norms on queries and keys before they turn. @see mlx-lm 0.32.2 models/qwen3.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

export const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.required(),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({
    dims: c.head_dim,
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(new NormedAttention(c, { rope }), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropTiedHead],
});
