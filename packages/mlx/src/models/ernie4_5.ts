/** Llama whose rotary embedding turns neighbours, with one bias switch. @see mlx-lm 0.32.2 models/ernie4_5.py */
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, int, number, oneOf } from "./config.ts";
import { LlamaModel } from "./llama.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.required(),
  rope_theta: number.required(),
  use_bias: bool.required(),
  tie_word_embeddings: bool.required(),
  hidden_act: oneOf("silu").optional(),
};

/** What Llama's config has and this one does not. */
const fixed = {
  rope_traditional: true,
  rope_scaling: undefined,
  layer_types: undefined,
  sliding_window: undefined,
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel({ ...c, ...fixed, attention_bias: c.use_bias, mlp_bias: c.use_bias }),
  sanitize: [dropTiedHead],
});
