/** Gemma with norms on both sides of a branch and soft-capped scores and logits. @see mlx-lm 0.32.2 models/gemma2.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { offsetRmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { SandwichBlock } from "../blocks/sandwich-block.ts";
import { ScaledDecoder } from "../blocks/scaled-decoder.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { fast, type MxArray } from "../core/index.ts";
import { geluApprox } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
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
  attn_logit_softcapping: number.default(50),
  final_logit_softcapping: number.default(30),
  query_pre_attn_scalar: number.default(144),
  // every layer attends fully here, as in mlx-lm: exact up to the window of 4096 tokens
  sliding_window: int.optional(),
  sliding_window_size: int.optional(),
  cache_implementation: string.optional(),
  attention_bias: oneOf(false).optional(),
  tie_word_embeddings: oneOf(true).optional(),
  hidden_act: string.optional(), // hidden_activation, always gelu_pytorch_tanh, took its place
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
};
type Config = Infer<typeof config>;

const makeAttention = (c: Config): SelfAttention =>
  new SelfAttention(c, {
    rope: createRope({ dims: c.head_dim, base: c.rope_theta, traditional: c.rope_traditional }),
    scale: c.query_pre_attn_scalar ** -0.5,
    cap: c.attn_logit_softcapping,
  });

const makeBlock = (c: Config): SandwichBlock => {
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { activation: geluApprox });
  return new SandwichBlock(makeAttention(c), mlp, () => offsetRmsNorm(c));
};

const makeDecoder = (c: Config): ScaledDecoder =>
  new ScaledDecoder(c, () => makeBlock(c), offsetRmsNorm(c), c.hidden_size ** 0.5);

class Gemma2Model extends CausalLM {
  readonly #cap: number;

  constructor(c: Config) {
    super({ ...c, tie_word_embeddings: true }, makeDecoder(c));
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    return fast.softcap(super.logits(h), this.#cap);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new Gemma2Model(c),
  sanitize: [dropRotaryTables, dropHead],
});
