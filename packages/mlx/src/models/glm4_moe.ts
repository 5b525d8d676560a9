/** DeepSeek 3's experts under a partly turning attention. @see mlx-lm 0.32.2 models/glm4_moe.py */
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { type Mixer, PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { CorrectedGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { defineArchitecture } from "./architecture.ts";
import { stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { dropLayersFrom, type SanitizeRule } from "./sanitize-rules.ts";

export const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  max_position_embeddings: int.required(),
  moe_intermediate_size: int.required(),
  norm_topk_prob: bool.required(),
  num_attention_heads: int.required(),
  n_group: int.required(),
  head_dim: int.required(),
  topk_group: int.required(),
  n_shared_experts: int.optional(),
  n_routed_experts: int.optional(),
  routed_scaling_factor: number.required(),
  num_experts_per_tok: int.required(),
  first_k_dense_replace: int.required(),
  num_hidden_layers: int.required(),
  num_key_value_heads: int.required(),
  rms_norm_eps: number.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(),
  use_qk_norm: bool.required(),
  attention_bias: bool.required(),
  partial_rotary_factor: number.required(),
  scoring_func: oneOf("sigmoid").optional(),
  topk_method: oneOf("noaux_tc").optional(),
  tie_word_embeddings: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const makeAttention = (c: Config): Mixer => {
  const rope = createRope({
    dims: Math.trunc(c.head_dim * c.partial_rotary_factor),
    base: c.rope_theta,
    scaling: c.rope_scaling,
  });
  const options = { rope, bias: c.attention_bias, outputBias: false };
  return c.use_qk_norm ? new NormedAttention(c, options) : new SelfAttention(c, options);
};

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const { n_routed_experts } = c;
  const isDense = n_routed_experts === undefined || layer < c.first_k_dense_replace;
  const mlp = isDense
    ? new GatedMLP(c.hidden_size, c.intermediate_size)
    : new RoutedMoe({ ...c, n_routed_experts }, new CorrectedGate({ ...c, n_routed_experts }));
  return new PreNormBlock(makeAttention(c), mlp, () => rmsNorm(c));
};

export const create = (c: Config): CausalLM => {
  const model = new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c));
  return new CausalLM({ ...c, tie_word_embeddings: false }, model);
};

/** The layers behind the last predict further tokens. */
export const rules: readonly SanitizeRule<Config>[] = [
  dropLayersFrom<Config>((c) => c.num_hidden_layers),
  stackNamedExperts,
];

export const architecture = defineArchitecture({ config, create, sanitize: rules });
