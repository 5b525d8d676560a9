/** GLM with norms on both sides of a branch and a partly turned head. @see mlx-lm 0.32.2 models/glm4.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { DoubleNormBlock } from "../blocks/double-norm-block.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { dropLayersFrom } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  attention_bias: bool.required(),
  partial_rotary_factor: number.required(),
  rope_theta: number.required(),
  rope_traditional: bool.default(true),
  rope_scaling: record.optional(), // of models with vision
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const attention = (c: Config): SelfAttention => {
  const rope = createRope({
    dims: Math.trunc(c.head_dim * c.partial_rotary_factor),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
  });
  return new SelfAttention(c, { rope, bias: c.attention_bias, outputBias: false });
};

const makeBlock = (c: Config): DoubleNormBlock => {
  const mlp = new FusedGatedMLP(c.hidden_size, c.intermediate_size);
  return new DoubleNormBlock(attention(c), mlp, () => rmsNorm(c));
};

const create = (c: Config): CausalLM =>
  new CausalLM({ ...c, tie_word_embeddings: false }, new Decoder(c, () => makeBlock(c), rmsNorm(c)));

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropLayersFrom((c: Config) => c.num_hidden_layers), dropRotaryTables],
});
