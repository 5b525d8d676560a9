/** Llama with fused projections and LongRoPE over a part of the head. @see mlx-lm 0.32.2 models/phi3.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { FusedGatedMLP } from "../blocks/fused-gated-mlp.ts";
import { JoinedAttention } from "../blocks/joined-attention.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  rope_scaling: record.optional(),
  partial_rotary_factor: number.default(1),
  max_position_embeddings: int.default(131072),
  original_max_position_embeddings: int.default(4096),
  tie_word_embeddings: bool.default(false),
  sliding_window: int.optional(), // mlx-lm attends fully: exact up to the window
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const phi3Rope = (c: Config, D: number): PositionEmbedding =>
  createRope({
    dims: Math.trunc(D * c.partial_rotary_factor),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling && {
      ...c.rope_scaling,
      original_max_position_embeddings: c.original_max_position_embeddings,
    },
    maxPositionEmbeddings: c.max_position_embeddings,
  });

const makeAttention = (c: Config): JoinedAttention => new JoinedAttention(c, phi3Rope(c, headDim(c)));

const makeBlock = (c: Config) =>
  new PreNormBlock(makeAttention(c), new FusedGatedMLP(c.hidden_size, c.intermediate_size), () => rmsNorm(c));

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
