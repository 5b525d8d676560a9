/** Llama with scaled embeddings, GELU and norms that store their weight minus one. @see mlx-lm 0.32.2 models/gemma.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { offsetRmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import type { MxArray } from "../core/index.ts";
import { gelu } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { dropHead, dropRotaryTables } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, string } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  rope_theta: number.default(10000),
  rope_traditional: bool.default(false),
  attention_bias: oneOf(false).optional(),
  tie_word_embeddings: oneOf(true).optional(),
  // exact GELU whatever these say, as in mlx-lm
  hidden_act: string.optional(),
  hidden_activation: string.optional(),
};
type Config = Infer<typeof config>;

type Activation = (x: MxArray) => MxArray;

const makeBlock = (c: Config, activation: Activation): PreNormBlock => {
  const rope = createRope({ dims: c.head_dim, base: c.rope_theta, traditional: c.rope_traditional });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { activation });
  return new PreNormBlock(new SelfAttention(c, { rope }), mlp, () => offsetRmsNorm(c));
};

const create = (c: Config, activation: Activation): CausalLM => {
  const model = new ScaledDecoder(c, () => makeBlock(c, activation), offsetRmsNorm(c), c.hidden_size ** 0.5);
  return new CausalLM({ ...c, tie_word_embeddings: true }, model);
};

/** Gemma with an activation of its MLPs. */
export const gemmaWith = (activation: Activation): Architecture =>
  defineArchitecture({
    config,
    create: (c) => create(c, activation),
    sanitize: [dropRotaryTables, dropHead],
  });

export const architecture = gemmaWith(gelu);
