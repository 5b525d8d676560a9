/** Qwen 2 whose checkpoints have layers that predict further tokens, which are left out. @see mlx-lm 0.32.2 models/mimo.py */
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, int, number, oneOf } from "./config.ts";
import { createQwen2, config as qwen2 } from "./qwen2.ts";
import { drop } from "./sanitize-rules.ts";

const config = {
  ...qwen2,
  rope_theta: number.default(10000),
  tie_word_embeddings: bool.default(false),
  attention_bias: bool.optional(), // biases of queries, keys and values whatever this says, as in mlx-lm
  head_dim: int.optional(), // hidden_size / num_attention_heads, likewise
  num_nextn_predict_layers: int.default(2),
  use_mrope: oneOf(false).optional(),
};

export const architecture = defineArchitecture({
  config,
  create: ({ head_dim: _, ...c }) => createQwen2(c),
  sanitize: [dropTiedHead, dropRotaryTables, drop(/^model\.mtp_layers\./)],
});
