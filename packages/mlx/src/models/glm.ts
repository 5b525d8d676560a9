/** Llama whose rotary embedding turns neighbours, with gate and up projections in one. @see mlx-lm 0.32.2 models/glm.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  attention_bias: bool.default(false),
  rope_theta: number.default(10000),
  tie_word_embeddings: bool.default(true),
  partial_rotary_factor: number.optional(), // mlx-lm turns the whole head
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({ dims: headDim(c), base: c.rope_theta, traditional: true });
  return new PreNormBlock(
    new SelfAttention(c, { rope, bias: c.attention_bias, outputBias: false }),
    new FusedGatedMLP(c.hidden_size, c.intermediate_size),
    () => rmsNorm(c),
  );
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
