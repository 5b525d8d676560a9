/**
 * Qwen 3.5: Qwen 3 Next with projections apart, under `language_model`, with vision.
 *
 * @see mlx-lm 0.32.2 models/qwen3_5.py, mlx-vlm 0.7.10 models/qwen3_5
 */
import { GatedAttention } from "../blocks/gated-attention.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { SplitDeltaNet } from "../blocks/gated-delta-net.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { HybridDecoder } from "../blocks/hybrid-decoder.ts";
import { LinearHybridBlock } from "../blocks/linear-hybrid-block.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { headDim } from "../blocks/self-attention.ts";
import { SharedMoe } from "../blocks/shared-moe.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, moveConvChannels } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record, string } from "./config.ts";
import { completeNorms } from "./qwen3_next.ts";
import { drop, rename, type SanitizeRule, whenPresent } from "./sanitize-rules.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { wrapOptionalText } from "./wrap-text.ts";

/** Keys of a config that Qwen 3.5's language model has. */
export const qwen35Schema = {
  hidden_size: int.default(4096),
  intermediate_size: int.default(14336),
  num_hidden_layers: int.default(32),
  num_attention_heads: int.default(32),
  rms_norm_eps: number.default(1e-6),
  vocab_size: int.default(151936),
  num_key_value_heads: int.default(8),
  max_position_embeddings: int.default(131072),
  linear_num_value_heads: int.default(64),
  linear_num_key_heads: int.default(16),
  linear_key_head_dim: int.default(192),
  linear_value_head_dim: int.default(128),
  linear_conv_kernel_dim: int.default(4),
  tie_word_embeddings: bool.default(false),
  attention_bias: bool.default(false),
  head_dim: int.optional(),
  full_attention_interval: int.default(4),
  num_experts: int.default(0),
  num_experts_per_tok: int.default(0),
  decoder_sparse_step: int.optional(), // every layer is sparse when there are experts
  shared_expert_intermediate_size: int.default(0),
  moe_intermediate_size: int.default(0),
  norm_topk_prob: bool.default(true),
  rope_theta: number.default(100000),
  partial_rotary_factor: number.default(0.25),
  rope_scaling: record.optional(),
  attn_output_gate: oneOf(true).optional(),
  hidden_act: oneOf("silu").optional(),
  layer_types: list(oneOf("linear_attention", "full_attention").required()).optional(), // the interval says it
  mamba_ssm_dtype: string.optional(), // states are always float32
  mlp_only_layers: list(int.required()).optional(),
  mtp_num_hidden_layers: int.optional(),
  mtp_use_dedicated_embeddings: bool.optional(),
};
export type Qwen35Config = Infer<typeof qwen35Schema>;

const isLinearLayer = (c: Qwen35Config, layer: number): boolean =>
  (layer + 1) % c.full_attention_interval !== 0;

const makeAttention = (c: Qwen35Config): Mixer => {
  const head_dim = headDim(c);
  const rope = createRope({
    dims: Math.trunc(head_dim * c.partial_rotary_factor),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  return new GatedAttention({ ...c, head_dim }, rope);
};

/** A block whose mixer is recurrent, or attends. */
export const makeBlock = (c: Qwen35Config, isLinear: boolean): LinearHybridBlock => {
  const mixer = isLinear ? new SplitDeltaNet(c) : makeAttention(c);
  const mlp = c.num_experts > 0 ? new SharedMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new LinearHybridBlock(mixer, mlp, { isLinear, makeNorm: () => rmsNorm(c) });
};

const create = (c: Qwen35Config): GatedCausalLM => {
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => isLinearLayer(c, i));
  const model = new HybridDecoder(c, (i) => makeBlock(c, isLinearLayer(c, i)), rmsNorm(c), {
    layers,
    slots: 2,
  });
  return new GatedCausalLM(c, model, "mlp.gate", "shared_expert_gate");
};

export const text = defineArchitecture({
  config: qwen35Schema,
  create,
  sanitize: [
    drop(/mtp\./),
    dropTiedHead,
    whenPresent(/conv1d\.weight/, [completeNorms, moveConvChannels], (shape) => shape.at(-1) !== 1),
  ],
});

/** The language model's weights under its own names. */
export const unwrapQwen: readonly SanitizeRule<unknown>[] = [
  drop(/^(vision_tower|model\.visual)/),
  rename(/^model\.language_model/, "model"),
  rename(/^language_model\./, ""),
];

/** Stands for an image in prompts of Qwen 3.5. */
export const IMAGE_TOKEN_ID = 248056;

export const architecture = seeAsQwen3(wrapOptionalText(text, unwrapQwen), IMAGE_TOKEN_ID);
