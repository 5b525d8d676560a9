/** Llama with squared ReLU and a norm before each last projection; its weights are -1, 0 and 1. @see mlx-lm 0.32.2 models/bitnet.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention } from "../blocks/self-attention.ts";
import { type MxArray, multiply } from "../core/index.ts";
import { Linear, Module, RMSNorm, relu2 } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
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
  hidden_act: oneOf("relu2").optional(),
};
type Config = Infer<typeof config>;

class Attention extends SelfAttention {
  attn_sub_norm: RMSNorm;

  constructor(c: Config) {
    const rope = createRope({
      dims: headDim(c),
      base: c.rope_theta,
      traditional: c.rope_traditional,
      scaling: c.rope_scaling,
      maxPositionEmbeddings: c.max_position_embeddings,
    });
    super(c, { rope, bias: c.attention_bias });
    this.attn_sub_norm = rmsNorm(c);
  }

  protected override output(found: MxArray, x: MxArray): MxArray {
    return super.output(this.attn_sub_norm.forward(found), x); // [B, L, E]
  }
}

class MLP extends Module {
  gate_proj: Linear;
  up_proj: Linear;
  down_proj: Linear;
  ffn_sub_norm: RMSNorm;

  constructor(c: Config) {
    super();
    this.gate_proj = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.up_proj = new Linear(c.hidden_size, c.intermediate_size, c.mlp_bias);
    this.down_proj = new Linear(c.intermediate_size, c.hidden_size, c.mlp_bias);
    this.ffn_sub_norm = new RMSNorm(c.intermediate_size, c.rms_norm_eps);
  }

  forward(x: MxArray): MxArray {
    const gated = multiply(relu2(this.gate_proj.forward(x)), this.up_proj.forward(x)); // [B, L, F]
    return this.down_proj.forward(this.ffn_sub_norm.forward(gated)); // [B, L, E]
  }
}

const makeBlock = (c: Config): PreNormBlock =>
  new PreNormBlock(new Attention(c), new MLP(c), () => rmsNorm(c));

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
