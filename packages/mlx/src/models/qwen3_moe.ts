/** Qwen 3 with a mixture of experts in some layers. @see mlx-lm 0.32.2 models/qwen3_moe.py */
import { Decoder } from "../blocks/causal-lm.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { isSparseLayer, SparseMoe } from "../blocks/sparse-moe.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, oneOf } from "./config.ts";
import { config as qwen3Schema } from "./qwen3.ts";

const config = {
  ...qwen3Schema,
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  decoder_sparse_step: int.required(),
  mlp_only_layers: list(int.required()).required(),
  moe_intermediate_size: int.required(),
  norm_topk_prob: bool.required(),
  qkv_bias: oneOf(false).optional(),
  shared_expert_intermediate_size: oneOf(0).optional(),
  use_qk_norm: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const rope = createRope({
    dims: c.head_dim,
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const mlp = isSparseLayer(c, layer) ? new SparseMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(new NormedAttention(c, { rope }), mlp, () => rmsNorm(c));
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new GatedCausalLM(c, new Decoder(c, (layer) => makeBlock(c, layer), rmsNorm(c))),
  sanitize: [dropTiedHead, stackNamedExperts],
});
