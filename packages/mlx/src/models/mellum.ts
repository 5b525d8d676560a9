/** Qwen 3 MoE with windows, and a rotary embedding for each type of layer. @see mlx-lm 0.32.2 models/mellum.py */
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createLayerRope } from "../blocks/rope.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { SparseMoe } from "../blocks/sparse-moe.ts";
import type { PositionEmbedding } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, object, oneOf, record } from "./config.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  moe_intermediate_size: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  tie_word_embeddings: bool.required(),
  max_position_embeddings: int.required(),
  norm_topk_prob: bool.required(),
  sliding_window: int.required(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).required(),
  rope_parameters: object({
    full_attention: record.required(),
    sliding_attention: record.optional(),
  }).required(),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const mellumRope = (c: Config, slides: boolean): PositionEmbedding => {
  const { full_attention, sliding_attention } = c.rope_parameters;
  const own = (slides ? sliding_attention : full_attention) ?? {};
  const isPlain = own.rope_type === "linear"; // mlx-lm leaves the factor out
  return createLayerRope(isPlain ? { ...own, rope_type: "default" } : own, {
    dims: c.head_dim,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
};

const makeBlock = (c: Config, slides: boolean): PreNormBlock => {
  const attention = new NormedAttention(c, { rope: mellumRope(c, slides) });
  return new PreNormBlock(attention, new SparseMoe(c), () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM => {
  const window = slidingWindow({ ...c, sliding_window_pattern: 1 });
  const block = (layer: number) => makeBlock(c, window.layers[layer] === true);
  return new GatedCausalLM(c, new SlidingDecoder(c, block, rmsNorm(c), window));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropTiedHead, stackNamedExperts],
});
