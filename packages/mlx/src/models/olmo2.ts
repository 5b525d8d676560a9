/** Llama with norms after a branch, and on all queries and keys at once. @see mlx-lm 0.32.2 models/olmo2.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward, Mixer } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim, SelfAttention, type SelfAttentionConfig } from "../blocks/self-attention.ts";
import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray, reshape } from "../core/index.ts";
import { Module, type PositionEmbedding, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
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
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Attention whose queries, and whose keys, are normed over all heads at once. */
export class Attention extends SelfAttention {
  q_norm: RMSNorm;
  k_norm: RMSNorm;

  constructor(
    c: SelfAttentionConfig & { rms_norm_eps: number; attention_bias: boolean },
    rope: PositionEmbedding,
  ) {
    super(c, { rope, bias: c.attention_bias });
    const D = headDim(c);
    this.q_norm = new RMSNorm(this.H * D, c.rms_norm_eps);
    this.k_norm = new RMSNorm(this.K * D, c.rms_norm_eps);
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.q_norm.forward(this.q_proj.forward(x)), [B, L, this.H, -1]); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return reshape(this.k_norm.forward(this.k_proj.forward(x)), [B, L, this.K, -1]); // [B, L, K, D]
  }
}

/** Norms after a branch: `x + norm(attn(x))`, then `x + norm(mlp(x))`. */
export class Block extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  post_attention_layernorm: Norm;
  post_feedforward_layernorm: Norm;

  constructor(self_attn: Mixer, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.self_attn = self_attn;
    this.mlp = mlp;
    this.post_attention_layernorm = makeNorm();
    this.post_feedforward_layernorm = makeNorm();
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = add(x, this.post_attention_layernorm.forward(this.self_attn.forward(x, mask, cache))); // [B, L, E]
    return add(h, this.post_feedforward_layernorm.forward(this.mlp.forward(h))); // [B, L, E]
  }
}

const makeBlock = (c: Config): Block => {
  const rope = createRope({
    dims: headDim(c),
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
  return new Block(new Attention(c, rope), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropRotaryTables, dropTiedHead],
});
