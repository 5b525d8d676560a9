/** DeepSeek 3's experts in layers of which the sliding ones alone turn. @see mlx-lm 0.32.2 models/exaone_moe.py */
import { CausalLM } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope, noRope } from "../blocks/rope.ts";
import { CorrectedGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { SlidingDecoder, type SlidingWindow, slidingWindow } from "../blocks/sliding-decoder.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record, string } from "./config.ts";
import { drop, rename } from "./sanitize-rules.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  num_shared_experts: int.optional(),
  rms_norm_eps: number.required(),
  max_position_embeddings: int.required(),
  sliding_window: int.required(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).required(),
  is_moe_layer: list(bool.required()).required(),
  n_group: int.default(1),
  topk_group: int.default(1),
  routed_scaling_factor: number.default(2.5),
  norm_topk_prob: bool.default(true),
  scoring_func: oneOf("sigmoid").optional(),
  topk_method: oneOf("noaux_tc").optional(),
  rope_theta: number.default(1000000),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(false),
  first_k_dense_replace: int.optional(), // is_moe_layer says it
  sliding_window_pattern: string.optional(), // layer_types says it
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config, layer: number, { layers }: SlidingWindow): PreNormBlock => {
  const turns = layers[layer] === true || !layers.includes(true);
  const rope = {
    dims: c.head_dim,
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  };
  const sizes = { ...c, n_routed_experts: c.num_experts, n_shared_experts: c.num_shared_experts };
  const mlp =
    c.is_moe_layer[layer] === true
      ? new RoutedMoe(sizes, new CorrectedGate(sizes))
      : new GatedMLP(c.hidden_size, c.intermediate_size);
  const attention = new NormedAttention(c, { rope: turns ? createRope(rope) : noRope });
  return new PreNormBlock(attention, mlp, () => rmsNorm(c));
};

const create = (c: Config): CausalLM => {
  const window = slidingWindow({ ...c, sliding_window_pattern: 1 });
  return new CausalLM(c, new SlidingDecoder(c, (layer) => makeBlock(c, layer, window), rmsNorm(c), window));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    drop(/^mtp\./),
    rename(/mlp\.e_score_correction_bias$/, "mlp.gate.e_score_correction_bias"),
    stackNamedExperts,
    dropTiedHead,
  ],
});
