/** GLM 5: DeepSeek 3.2, with settings of its own for positions. @see mlx-lm 0.32.2 models/glm_moe_dsa.py */
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, liftedRopeKeys, number, oneOf, parseConfig, record } from "./config.ts";
import { createIndexed, rules, config as v32Schema } from "./deepseek_v32.ts";

const config = {
  ...v32Schema,
  ...liftedRopeKeys,
  vocab_size: int.required(),
  hidden_size: int.required(),
  index_head_dim: int.required(),
  index_n_heads: int.required(),
  index_topk: int.required(),
  intermediate_size: int.required(),
  moe_intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(), // all heads share one latent
  routed_scaling_factor: number.required(),
  kv_lora_rank: int.required(),
  q_lora_rank: int.required(),
  qk_rope_head_dim: int.required(),
  v_head_dim: int.required(),
  qk_nope_head_dim: int.required(),
  topk_method: oneOf("noaux_tc").required(),
  scoring_func: oneOf("sigmoid").required(),
  norm_topk_prob: bool.required(),
  n_group: int.required(),
  topk_group: int.required(),
  num_experts_per_tok: int.required(),
  moe_layer_freq: int.required(),
  first_k_dense_replace: int.required(),
  max_position_embeddings: int.required(),
  rms_norm_eps: number.required(),
  rope_parameters: record.required(),
  attention_bias: bool.required(),
  indexer_rope_interleave: bool.default(true),
  qk_head_dim: int.optional(), // the sum of both
  rope_interleave: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

/** Python takes these from `rope_parameters` whatever stands beside them. */
const create = (c: Config) => {
  const { rope_theta } = parseConfig({ rope_theta: number.required() }, c.rope_parameters).config;
  return createIndexed({ ...c, rope_theta, rope_scaling: c.rope_parameters });
};

export const architecture = defineArchitecture({ config, create, sanitize: rules });
