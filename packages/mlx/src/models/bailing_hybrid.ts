/** Ring Linear with latent attention where it attends. @see mlx-lm 0.32.2 models/bailing_hybrid.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { latentRope } from "../blocks/latent-attention.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import { PositionedBlock } from "../blocks/word-decoder.ts";
import type { Quantization } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bailingExperts, makeFeedForward } from "./bailing_moe.ts";
import { BailingHybridDecoder, isRecurrent, LinearAttention } from "./bailing_moe_linear.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record, string } from "./config.ts";
import { splitExpansion } from "./deepseek_v3.ts";
import { dropLayersFrom } from "./sanitize-rules.ts";

const config = {
  hidden_size: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  num_experts: int.optional(),
  num_experts_per_tok: int.required(),
  num_shared_experts: int.required(),
  n_group: int.required(),
  topk_group: int.required(),
  first_k_dense_replace: int.required(),
  layer_group_size: int.required(),
  group_norm_size: int.required(),
  vocab_size: int.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  max_position_embeddings: int.required(),
  routed_scaling_factor: number.required(),
  head_dim: int.optional(),
  kv_lora_rank: int.required(),
  qk_rope_head_dim: int.required(),
  qk_nope_head_dim: int.required(),
  v_head_dim: int.required(),
  q_lora_rank: int.optional(),
  moe_shared_expert_intermediate_size: int.optional(),
  rope_interleave: bool.default(true),
  partial_rotary_factor: number.default(0.5),
  rope_scaling: record.optional(),
  use_qkv_bias: bool.default(false),
  use_bias: bool.default(false),
  use_qk_norm: bool.default(true),
  score_function: oneOf("sigmoid", "softmax").default("sigmoid"),
  norm_topk_prob: bool.default(true),
  moe_router_enable_expert_bias: bool.default(true),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
  linear_backend: string.optional(),
  linear_silu: oneOf(false).optional(),
  mtp_loss_scaling_factor: number.optional(),
  qk_head_dim: int.optional(),
  router_dtype: string.optional(), // gates are always scored in float32
  use_rmsnorm: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

const makeLinearAttention = (c: Config, layer: number): LinearAttention => {
  const rope = createRope({
    dims: Math.trunc(headDim(c) * c.partial_rotary_factor),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new LinearAttention(c, rope, layer);
};

const makeLatentAttention = (c: Config): AbsorbedAttention =>
  new AbsorbedAttention(
    { ...c, attention_bias: c.use_qkv_bias },
    { ...latentRope(c, c.rope_interleave), eps: c.rms_norm_eps, output: "dense" },
  );

const makeBlock = (c: Config, layer: number): PositionedBlock => {
  const attention = isRecurrent(c, layer) ? makeLinearAttention(c, layer) : makeLatentAttention(c);
  // the shared experts are one, whose size is given or theirs together
  const shared = c.moe_shared_expert_intermediate_size || c.moe_intermediate_size * c.num_shared_experts;
  const mixture = {
    ...c,
    num_shared_experts: Math.min(1, c.num_shared_experts),
    moe_shared_expert_intermediate_size: shared,
    moe_router_enable_shared_expert: true,
  };
  return new PositionedBlock(attention, makeFeedForward(mixture, layer, Number.NEGATIVE_INFINITY), () =>
    rmsNorm(c),
  );
};

class BailingHybridModel extends GatedCausalLM<BailingHybridDecoder> {
  constructor(c: Config) {
    super(c, new BailingHybridDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c)), "mlp.gate.gate_proj");
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return /attention\.(embed_q|unembed_out)$/.test(path) ? false : super.quantizationOf(path);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new BailingHybridModel(c),
  sanitize: [
    dropTiedHead,
    ...bailingExperts,
    splitExpansion,
    dropLayersFrom((c: Config) => c.num_hidden_layers), // predict further tokens
  ],
});
