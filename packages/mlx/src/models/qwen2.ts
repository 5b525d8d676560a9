/** Llama with biases on the query, key and value projections alone. @see mlx-lm 0.32.2 models/qwen2.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

export const config = {
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
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new PreNormBlock(
    new SelfAttention(c, { rope, bias: true, outputBias: false }),
    new GatedMLP(c.hidden_size, c.intermediate_size),
    () => rmsNorm(c),
  );
};

export const createQwen2 = (c: Config): CausalLM =>
  new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c)));

export const architecture = defineArchitecture({
  config,
  create: createQwen2,
  sanitize: [dropRotaryTables, dropTiedHead],
});
