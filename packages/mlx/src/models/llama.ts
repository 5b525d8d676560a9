/** Llama-family decoder; Mistral and many others are this. @see mlx-lm 0.32.2 models/llama.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { ConfigError } from "../errors.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";

export const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  max_position_embeddings: int.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  sliding_window: int.optional(),
  hidden_act: oneOf("silu").optional(),
};
export type Config = Infer<typeof config>;

export const llamaRope = (c: Config): PositionEmbedding =>
  createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });

export const makeBlock = (c: Config, rope: PositionEmbedding): PreNormBlock =>
  new PreNormBlock(
    new SelfAttention(c, { rope, bias: c.attention_bias }),
    new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias }),
    () => rmsNorm(c),
  );

const makeDecoder = (c: Config, block: (layer: number) => PreNormBlock): Decoder => {
  const { sliding_window } = c;
  if (c.layer_types?.includes("sliding_attention") !== true) return new Decoder(c, block, rmsNorm(c));
  if (sliding_window === undefined) {
    throw new ConfigError("config.json: sliding_attention layers need sliding_window");
  }
  const window = slidingWindow({ ...c, sliding_window, sliding_window_pattern: 1 });
  return new SlidingDecoder(c, block, rmsNorm(c), window);
};

export class LlamaModel extends CausalLM {
  /** @param ropeOf - the position embedding of a layer; by default all have the config's */
  constructor(c: Config, ropeOf: (layer: number) => PositionEmbedding = () => llamaRope(c)) {
    super(
      c,
      makeDecoder(c, (layer) => makeBlock(c, ropeOf(layer))),
    );
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new LlamaModel(c),
  sanitize: [dropRotaryTables, dropTiedHead],
});
