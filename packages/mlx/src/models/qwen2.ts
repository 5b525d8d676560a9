/** Llama with biases on the query, key and value projections alone. @see mlx-lm 0.32.2 models/qwen2.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { Linear } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, record } from "./config.ts";
import { Attention as LlamaAttention, llamaMLP } from "./llama.ts";
import { dropRotaryTables, dropTiedHead } from "./sanitize.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.default(32768),
  rope_theta: number.default(1000000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  // published configs carry these switched off; mlx-lm attends fully either way
  use_sliding_window: bool.default(false),
  sliding_window: int.optional(),
};
type Config = Infer<typeof config>;

class Attention extends LlamaAttention {
  constructor(c: Config) {
    super({ ...llamaConfig(c), attention_bias: true });
    const H = c.num_attention_heads;
    this.o_proj = new Linear(H * Math.floor(c.hidden_size / H), c.hidden_size, false);
  }
}

const llamaConfig = (c: Config) => ({
  ...c,
  head_dim: undefined,
  attention_bias: false,
  mlp_bias: false,
  layer_types: undefined,
});

export const architecture = defineArchitecture({
  config,
  create: (c) =>
    new CausalLM(c, new Decoder(c, () => new PreNormBlock(new Attention(c), llamaMLP(llamaConfig(c)), c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
