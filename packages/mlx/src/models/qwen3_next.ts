/** Qwen 3 Next: three gated delta layers for each of gated attention. @see mlx-lm 0.32.2 models/qwen3_next.py */
import { GatedAttention } from "../blocks/gated-attention.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { type DeltaInputs, GatedDeltaNet, type GatedDeltaNetConfig } from "../blocks/gated-delta-net.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { HybridDecoder } from "../blocks/hybrid-decoder.ts";
import { LinearHybridBlock } from "../blocks/linear-hybrid-block.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { createRope } from "../blocks/rope.ts";
import { SharedMoe } from "../blocks/shared-moe.ts";
import { isSparseLayer } from "../blocks/sparse-moe.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, moveConvChannels, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { drop, map, whenPresent } from "./sanitize-rules.ts";
import { added } from "./tensor-change.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  intermediate_size: int.required(),
  num_attention_heads: int.required(),
  linear_num_value_heads: int.required(),
  linear_num_key_heads: int.required(),
  linear_key_head_dim: int.required(),
  linear_value_head_dim: int.required(),
  linear_conv_kernel_dim: int.required(),
  num_experts: int.required(),
  num_experts_per_tok: int.required(),
  decoder_sparse_step: int.required(),
  shared_expert_intermediate_size: int.required(),
  mlp_only_layers: list(int.required()).required(),
  moe_intermediate_size: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.required(),
  rope_theta: number.required(),
  partial_rotary_factor: number.required(),
  max_position_embeddings: int.required(),
  head_dim: int.required(),
  norm_topk_prob: bool.default(false),
  tie_word_embeddings: bool.default(false),
  attention_bias: bool.default(false),
  rope_scaling: record.optional(),
  full_attention_interval: int.default(4),
  layer_types: list(oneOf("linear_attention", "full_attention").required()).optional(), // the interval says it
  use_sliding_window: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** Its projections bring together what belongs to one key head. */
class LinearAttention extends GatedDeltaNet {
  in_proj_qkvz: Linear;
  in_proj_ba: Linear;

  constructor(c: GatedDeltaNetConfig) {
    super(c);
    const keyDims = c.linear_num_key_heads * c.linear_key_head_dim;
    const valueDims = c.linear_num_value_heads * c.linear_value_head_dim;
    this.in_proj_qkvz = new Linear(c.hidden_size, 2 * keyDims + 2 * valueDims, false);
    this.in_proj_ba = new Linear(c.hidden_size, 2 * c.linear_num_value_heads, false);
  }

  protected inputs(x: MxArray): DeltaInputs {
    const [B = 1, L = 1] = x.shape;
    const { linear_num_value_heads: H, linear_num_key_heads: K } = this.c;
    const { linear_key_head_dim: D, linear_value_head_dim: V } = this.c;
    const perHead = H / K; // value heads of a key head
    const qkvz = mx.reshape(this.in_proj_qkvz.forward(x), [B, L, K, -1]);
    const [q = x, k = x, v = x, z = x] = mx.split(qkvz, [D, 2 * D, 2 * D + perHead * V], -1);
    const ba = mx.reshape(this.in_proj_ba.forward(x), [B, L, K, -1]);
    const [b = x, a = x] = mx.split(ba, [perHead], -1);
    const flat = (part: MxArray) => mx.reshape(part, [B, L, -1]);
    const qkv = mx.concatenate([flat(q), flat(k), flat(v)], -1); // [B, L, 2 K D + H V]
    return { qkv, z: mx.reshape(z, [B, L, H, V]), b: flat(b), a: flat(a) };
  }
}

const makeBlock = (c: Config, layer: number): LinearHybridBlock => {
  const isLinear = isLinearLayer(c, layer);
  const mixer = isLinear ? new LinearAttention(c) : new GatedAttention(c, makeRope(c));
  const mlp = isSparseLayer(c, layer) ? new SharedMoe(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new LinearHybridBlock(mixer, mlp, { isLinear, makeNorm: () => rmsNorm(c) });
};

const isLinearLayer = (c: Config, layer: number): boolean => (layer + 1) % c.full_attention_interval !== 0;

const makeRope = (c: Config) =>
  createRope({
    dims: Math.trunc(c.head_dim * c.partial_rotary_factor),
    base: c.rope_theta,
    scaling: c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });

const create = (c: Config): GatedCausalLM => {
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => isLinearLayer(c, i));
  const model = new HybridDecoder(c, (i) => makeBlock(c, i), rmsNorm(c), { layers, slots: 2 });
  return new GatedCausalLM(c, model, "mlp.gate", "shared_expert_gate");
};

/** Norms whose checkpoints store the weight minus one. */
export const completeNorms = map<unknown>(
  /(layernorm|model\.norm|[qk]_norm)\.weight$/,
  [added(1)],
  (shape) => shape.length === 1,
);

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    whenPresent(/^model\.layers\.\d+\.mlp\.experts\.0\.up_proj\.weight$/, [
      drop(/mtp\./),
      dropTiedHead,
      completeNorms,
      moveConvChannels,
      stackNamedExperts,
    ]),
  ],
});
