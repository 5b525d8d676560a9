/** Youtu-LLM: Llama with DeepSeek 2's latent attention. @see mlx-lm 0.32.2 models/youtu_llm.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { ExpandedAttention } from "../blocks/expanded-attention.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";

const config = {
  vocab_size: int.default(128256),
  hidden_size: int.default(2048),
  intermediate_size: int.default(6144),
  num_hidden_layers: int.default(32),
  num_attention_heads: int.default(16),
  num_key_value_heads: int.optional(), // all heads share one latent
  kv_lora_rank: int.default(512),
  q_lora_rank: int.nullable(1536),
  qk_rope_head_dim: int.default(64),
  v_head_dim: int.default(128),
  qk_nope_head_dim: int.default(128),
  qk_head_dim: int.optional(), // the sum of both
  head_dim: int.optional(), // of what turns
  max_position_embeddings: int.default(131072),
  rms_norm_eps: number.default(1e-6),
  rope_theta: number.default(1600000),
  rope_traditional: bool.default(true),
  rope_interleave: oneOf(true).optional(),
  rope_scaling: record.optional(),
  attention_bias: bool.default(false),
  mlp_bias: bool.default(false),
  tie_word_embeddings: bool.default(true),
  embedding_initializer_range: number.optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config): PreNormBlock => {
  const rope = createRope({
    dims: c.qk_rope_head_dim,
    base: c.rope_theta,
    traditional: c.rope_traditional,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const scale = (c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5;
  const attention = new ExpandedAttention(c, { rope, scale, eps: c.rms_norm_eps });
  const mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { bias: c.mlp_bias });
  return new PreNormBlock(attention, mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new CausalLM(c, new Decoder(c, () => makeBlock(c), rmsNorm(c))),
  sanitize: [dropTiedHead],
});
