/** Llama with a rotary scaling of its own name. @see mlx-lm 0.32.2 models/telechat3.py */
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, int, number, oneOf, record } from "./config.ts";
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
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
};

/** What Llama's config has and this one does not. */
const fixed = { rope_traditional: false, layer_types: undefined, sliding_window: undefined };

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel({ ...c, ...fixed }),
  sanitize: [dropRotaryTables, dropTiedHead],
});
