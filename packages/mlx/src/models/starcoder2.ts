/** Llama with LayerNorm, biases everywhere and a plain GELU MLP. @see mlx-lm 0.32.2 models/starcoder2.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GptMLP } from "../blocks/gpt-decoder.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { gelu, LayerNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, string } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  norm_epsilon: number.default(1e-5),
  layer_norm_epsilon: number.optional(), // norm_epsilon is read
  vocab_size: int.default(49152),
  rope_theta: number.default(100000),
  tie_word_embeddings: bool.default(true),
  norm_type: oneOf("layer_norm").optional(),
  mlp_type: oneOf("default").optional(),
  use_bias: oneOf(true).optional(),
  hidden_act: string.optional(), // exact GELU whatever this says, as in mlx-lm
  activation_function: string.optional(),
  sliding_window: int.optional(), // mlx-lm attends fully: exact up to the window
  // how other programs compute the same scores
  attention_softmax_in_fp32: bool.optional(),
  scale_attention_softmax_in_fp32: bool.optional(),
  scale_attn_weights: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

const layerNorm = (c: Config): LayerNorm => new LayerNorm(c.hidden_size, { eps: c.norm_epsilon });

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({ dims: headDim(c), base: c.rope_theta });
  const mlp = new GptMLP(c.hidden_size, c.intermediate_size, { activation: gelu });
  return new PreNormBlock(new SelfAttention(c, { rope, bias: true }), mlp, () => layerNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), layerNorm(c))),
  sanitize: [dropTiedHead],
});
