/** GLM 4 MoE Lite: DeepSeek 3 whose norms on latents have the config's epsilon. @see mlx-lm 0.32.2 models/glm4_moe_lite.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { latentRope } from "../blocks/latent-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { type Infer, int, number, oneOf } from "./config.ts";
import { createDeepseek, splitExpansion, config as v3Schema } from "./deepseek_v3.ts";
import { dropLayersFrom } from "./sanitize-rules.ts";

const config = {
  ...v3Schema,
  vocab_size: int.default(154880),
  hidden_size: int.default(2048),
  intermediate_size: int.default(10240),
  moe_intermediate_size: int.default(1536),
  num_hidden_layers: int.default(47),
  num_attention_heads: int.default(20),
  n_shared_experts: int.nullable(1),
  n_routed_experts: int.nullable(64),
  routed_scaling_factor: number.default(1.8),
  q_lora_rank: int.nullable(768),
  qk_nope_head_dim: int.default(192),
  v_head_dim: int.default(256),
  num_experts_per_tok: int.default(4),
  first_k_dense_replace: int.default(1),
  max_position_embeddings: int.default(202752),
  rms_norm_eps: number.default(1e-5),
  rope_theta: number.default(1000000),
  partial_rotary_factor: number.optional(), // of what turns, all of it
  rope_interleave: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

export const architecture = defineArchitecture({
  config,
  create: (c) => createDeepseek(c, () => new AbsorbedAttention(c, { ...latentRope(c), eps: c.rms_norm_eps })),
  sanitize: [dropLayersFrom<Config>((c) => c.num_hidden_layers), stackNamedExperts, splitExpansion],
});
