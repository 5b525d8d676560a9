/** Kimi Linear: three layers of the delta rule by feature for each of latent attention. @see mlx-lm 0.32.2 models/kimi_linear.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { CausalConv1d } from "../blocks/causal-conv.ts";
import { CorrectedMoe } from "../blocks/corrected-moe.ts";
import { LowRankDelta } from "../blocks/feature-delta.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { HybridDecoder } from "../blocks/hybrid-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { noRope } from "../blocks/rope.ts";
import type { LayerArrays } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Linear, Module, silu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackMixtralExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, object, oneOf, record } from "./config.ts";
import { splitExpansionOf } from "./deepseek_v3.ts";
import { drop, map, rename } from "./sanitize-rules.ts";
import { reshaped, transposed } from "./tensor-change.ts";

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  intermediate_size: int.required(),
  head_dim: int.required(),
  rope_theta: number.required(),
  rms_norm_eps: number.required(),
  linear_attn_config: object({
    kda_layers: list(int.required()).required(),
    num_heads: int.required(),
    head_dim: int.required(),
    short_conv_kernel_size: int.default(4),
    full_attn_layers: list(int.required()).optional(), // all but kda_layers
  }).required(),
  model_max_length: int.required(),
  num_experts: int.required(),
  moe_intermediate_size: int.required(),
  kv_lora_rank: int.required(),
  q_lora_rank: int.optional(), // queries are never squeezed
  rope_scaling: record.optional(), // nothing turns
  tie_word_embeddings: bool.default(false),
  qk_nope_head_dim: int.optional(),
  qk_rope_head_dim: int.default(0),
  v_head_dim: int.optional(),
  mla_use_nope: bool.optional(), // mlx-lm never turns
  num_experts_per_token: int.default(1),
  num_shared_experts: int.default(0),
  moe_router_activation_func: oneOf("sigmoid", "softmax").default("sigmoid"),
  moe_renormalize: bool.default(true),
  routed_scaling_factor: number.default(1),
  first_k_dense_replace: int.default(0),
  moe_layer_freq: int.default(1),
  use_grouped_topk: bool.optional(), // groups say it
  num_expert_group: int.default(1),
  topk_group: int.default(1),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

/** A convolution under a name of its own. */
export class ShortConv extends Module {
  conv: CausalConv1d;

  constructor(channels: number, kernelSize: number) {
    super();
    this.conv = new CausalConv1d(channels, kernelSize, false);
  }

  continue(x: MxArray, mask: Mask, arrays: LayerArrays, slot: number): MxArray {
    return silu(this.conv.continue(x, mask, arrays, slot)); // [B, L, C]
  }
}

class DeltaAttention extends LowRankDelta {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  q_conv: ShortConv;
  k_conv: ShortConv;
  v_conv: ShortConv;
  protected readonly stateSlot = 3;

  constructor(c: Config) {
    const { num_heads: heads, head_dim: headDim, short_conv_kernel_size } = c.linear_attn_config;
    const E = c.hidden_size;
    super({ hiddenSize: E, heads, headDim, eps: c.rms_norm_eps, decayShape: [1, 1, heads, 1] });
    const inner = heads * headDim;
    this.q_proj = new Linear(E, inner, false);
    this.k_proj = new Linear(E, inner, false);
    this.v_proj = new Linear(E, inner, false);
    this.q_conv = new ShortConv(inner, short_conv_kernel_size);
    this.k_conv = new ShortConv(inner, short_conv_kernel_size);
    this.v_conv = new ShortConv(inner, short_conv_kernel_size);
  }

  protected mixed(x: MxArray, mask: Mask, arrays: LayerArrays): MxArray[] {
    return [
      this.q_conv.continue(this.q_proj.forward(x), mask, arrays, 0),
      this.k_conv.continue(this.k_proj.forward(x), mask, arrays, 1),
      this.v_conv.continue(this.v_proj.forward(x), mask, arrays, 2),
    ];
  }
}

/** Sizes of a head's parts, which may be left to `head_dim`. */
const latentSizes = (c: Config) => ({
  ...c,
  q_lora_rank: undefined,
  qk_nope_head_dim: c.qk_nope_head_dim ?? c.head_dim,
  v_head_dim: c.v_head_dim ?? c.head_dim,
  attention_bias: false,
});

const makeLatentAttention = (c: Config): AbsorbedAttention => {
  const sizes = latentSizes(c);
  const scale = (sizes.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5;
  return new AbsorbedAttention(sizes, { rope: noRope, scale, eps: c.rms_norm_eps });
};

const makeExperts = (c: Config): CorrectedMoe =>
  new CorrectedMoe(
    {
      hidden_size: c.hidden_size,
      experts: c.num_experts,
      width: c.moe_intermediate_size,
      sharedWidth: c.moe_intermediate_size * c.num_shared_experts,
    },
    {
      k: c.num_experts_per_token,
      score: c.moe_router_activation_func,
      groups: { count: c.num_expert_group, kept: c.topk_group },
      isNormed: c.moe_renormalize && c.num_experts_per_token > 1,
      scale: c.routed_scaling_factor,
    },
  );

const isSparse = (c: Config, layer: number): boolean =>
  c.num_experts > 0 && layer >= c.first_k_dense_replace && layer % c.moe_layer_freq === 0;

const isRecurrent = (c: Config, layer: number): boolean =>
  c.linear_attn_config.kda_layers.includes(layer + 1);

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const mixer = isRecurrent(c, layer) ? new DeltaAttention(c) : makeLatentAttention(c);
  const mlp = isSparse(c, layer) ? makeExperts(c) : new GatedMLP(c.hidden_size, c.intermediate_size);
  return new PreNormBlock(mixer, mlp, () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM => {
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => isRecurrent(c, i));
  return new GatedCausalLM(
    c,
    new HybridDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c), { layers, slots: 4 }),
  );
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    drop(/^model\.mtp/),
    dropTiedHead,
    ...stackMixtralExperts,
    rename(/block_sparse_moe\.gate\.e_score_correction_bias$/, "mlp.e_score_correction_bias"),
    rename(/block_sparse_moe\./, "mlp."),
    map(/[qkv]_conv1d\.weight$/, [transposed(0, 2, 1)]),
    rename(/(?<=[qkv]_conv)1d\.weight$/, ".conv.weight"),
    map(/dt_bias$/, [reshaped(-1)], (shape) => shape.length > 1),
    splitExpansionOf(latentSizes),
  ],
});
