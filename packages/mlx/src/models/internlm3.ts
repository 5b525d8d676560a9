/** Llama with other names for its bias switches. @see mlx-lm 0.32.2 models/internlm3.py */
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, int, number, oneOf, record } from "./config.ts";
import { LlamaModel } from "./llama.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(), // hidden_size / num_attention_heads, whatever this says, as in mlx-lm
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  bias: bool.default(false),
  qkv_bias: bool.default(false),
  max_position_embeddings: int.default(32768),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
};

/** What Llama's config has and this one does not. */
const fixed = { head_dim: undefined, layer_types: undefined, sliding_window: undefined };

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel({ ...c, ...fixed, attention_bias: c.qkv_bias, mlp_bias: c.bias }),
  sanitize: [drop(/(attention\.rope|self_attn\.rotary_emb)\.inv_freq/), dropTiedHead],
});
