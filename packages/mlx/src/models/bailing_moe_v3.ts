/** Ling 3: Kimi's delta rule and latent attention with gates, Bailing's experts. @see mlx-lm 0.32.2 models/bailing_moe_v3.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { CausalConv1d } from "../blocks/causal-conv.ts";
import { CausalLM } from "../blocks/causal-lm.ts";
import { type Choice, routeExperts } from "../blocks/experts.ts";
import { FeatureDelta } from "../blocks/feature-delta.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { latentRope } from "../blocks/latent-attention.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import type { FeedForward } from "../blocks/pre-norm-block.ts";
import { type ExpertGate, RoutedMoe } from "../blocks/routed-moe.ts";
import { PositionedBlock } from "../blocks/word-decoder.ts";
import type { LayerArrays } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, silu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { BailingHybridDecoder, isRecurrent } from "./bailing_moe_linear.ts";
import { dropTiedHead, moveConvChannels, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, number, oneOf, record } from "./config.ts";
import { splitExpansion } from "./deepseek_v3.ts";
import { dropLayersFrom } from "./sanitize-rules.ts";

const config = {
  vocab_size: int.default(157184),
  hidden_size: int.default(1536),
  intermediate_size: int.default(4608),
  moe_intermediate_size: int.default(512),
  moe_shared_expert_intermediate_size: int.default(512),
  num_hidden_layers: int.default(24),
  num_attention_heads: int.default(16),
  num_experts: int.default(128),
  num_experts_per_tok: int.default(8),
  num_shared_experts: int.default(1),
  first_k_dense_replace: int.default(1),
  n_group: int.default(8),
  topk_group: int.default(4),
  routed_scaling_factor: number.default(2.5),
  layer_group_size: int.default(4),
  head_dim: int.default(128),
  q_lora_rank: int.nullable(256),
  kv_lora_rank: int.default(512),
  qk_nope_head_dim: int.default(128),
  qk_rope_head_dim: int.default(64),
  v_head_dim: int.default(128),
  short_conv_kernel_size: int.default(4),
  kda_lower_bound: number.default(-5),
  kda_safe_gate: oneOf(true).optional(),
  no_kda_lora: oneOf(true).optional(),
  rms_norm_eps: number.default(1e-6),
  rope_theta: number.default(6000000),
  rope_scaling: record.optional(),
  max_position_embeddings: int.default(131072),
  rope_interleave: oneOf(true).optional(),
  tie_word_embeddings: bool.default(false),
  hidden_act: oneOf("silu").optional(),
  norm_topk_prob: oneOf(true).optional(),
  num_key_value_heads: int.optional(), // all heads share one latent
  score_function: oneOf("sigmoid").optional(),
};
type Config = Infer<typeof config>;

class DeltaAttention extends FeatureDelta {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  q_conv1d: CausalConv1d;
  k_conv1d: CausalConv1d;
  v_conv1d: CausalConv1d;
  f_proj: Linear;
  g_proj: Linear;
  protected readonly stateSlot = 3;

  constructor(c: Config) {
    const { hidden_size: E, num_attention_heads: heads, head_dim: headDim, short_conv_kernel_size: W } = c;
    super({ hiddenSize: E, heads, headDim, eps: c.rms_norm_eps, lowerBound: c.kda_lower_bound });
    const inner = heads * headDim;
    this.q_proj = new Linear(E, inner, false);
    this.k_proj = new Linear(E, inner, false);
    this.v_proj = new Linear(E, inner, false);
    this.q_conv1d = new CausalConv1d(inner, W, false);
    this.k_conv1d = new CausalConv1d(inner, W, false);
    this.v_conv1d = new CausalConv1d(inner, W, false);
    this.f_proj = new Linear(E, inner, false);
    this.g_proj = new Linear(E, inner, false);
  }

  protected mixed(x: MxArray, mask: Mask, arrays: LayerArrays): MxArray[] {
    return [
      silu(this.q_conv1d.continue(this.q_proj.forward(x), mask, arrays, 0)),
      silu(this.k_conv1d.continue(this.k_proj.forward(x), mask, arrays, 1)),
      silu(this.v_conv1d.continue(this.v_proj.forward(x), mask, arrays, 2)),
    ];
  }

  protected decayInputs(x: MxArray): MxArray {
    return this.f_proj.forward(x);
  }

  protected gate(x: MxArray): MxArray {
    return mx.sigmoid(this.g_proj.forward(x).astype(mx.float32)).astype(x.dtype);
  }
}

/** Latent attention with a gate per head. */
class GatedLatentAttention extends AbsorbedAttention {
  g_proj: Linear;

  constructor(c: Config) {
    super({ ...c, attention_bias: false }, { ...latentRope(c), eps: c.rms_norm_eps, output: "dense" });
    this.g_proj = new Linear(c.hidden_size, c.num_attention_heads, false);
  }

  protected override gated(found: MxArray, x: MxArray): MxArray {
    const gate = mx.sigmoid(this.g_proj.forward(x).astype(mx.float32)).astype(found.dtype); // [B, L, H]
    return mx.multiply(found, mx.expandDims(mx.swapaxes(gate, 1, 2), -1)); // [B, H, L, v_head_dim]
  }
}

/** Sigmoid scores in float32, corrected for the choice alone. Not a linear layer, so it is never quantized. */
class Gate extends Module implements ExpertGate {
  weight: MxArray;
  expert_bias: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.weight = mx.zeros([c.num_experts, c.hidden_size]);
    this.expert_bias = mx.zeros([c.num_experts]);
    this.#c = c;
  }

  /** `[B, L, E] -> [B, L, k]` twice */
  route(x: MxArray): Choice {
    const c = this.#c;
    const weight = mx.transpose(this.weight.astype(mx.float32)); // [E, X]
    return routeExperts(mx.matmul(x.astype(mx.float32), weight), {
      k: c.num_experts_per_tok,
      score: "sigmoid",
      bias: this.expert_bias,
      groups: { count: c.n_group, kept: c.topk_group, left: Number.NEGATIVE_INFINITY },
      isNormed: true,
      scale: c.routed_scaling_factor,
    });
  }
}

const makeFeedForward = (c: Config, layer: number): FeedForward => {
  if (layer < c.first_k_dense_replace) return new GatedMLP(c.hidden_size, c.intermediate_size);
  const sizes = {
    ...c,
    n_routed_experts: c.num_experts,
    n_shared_experts: c.num_shared_experts,
    shared_intermediate_size: c.moe_shared_expert_intermediate_size,
  };
  return new RoutedMoe(sizes, new Gate(c));
};

const makeBlock = (c: Config, layer: number): PositionedBlock => {
  const attention = isRecurrent(c, layer) ? new DeltaAttention(c) : new GatedLatentAttention(c);
  return new PositionedBlock(attention, makeFeedForward(c, layer), () => rmsNorm(c));
};

/** Layers that stay dense: those of embeddings, and all but the output of latent attention. */
const DENSE =
  /^(model\.word_embeddings|lm_head)$|attention\.(q_[ab]_proj|kv_a_proj_with_mqa|embed_q|unembed_out|b_proj)$/;

class BailingV3Model extends CausalLM<BailingHybridDecoder> {
  readonly #c: Config;

  constructor(c: Config) {
    super(c, new BailingHybridDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c), 4));
    this.#c = c;
  }

  override quantizationOf(path: string): boolean {
    const layer = /layers\.(\d+)\.attention\.(q|g)_proj$/.exec(path)?.[1];
    return layer === undefined ? !DENSE.test(path) : isRecurrent(this.#c, Number(layer));
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new BailingV3Model(c),
  sanitize: [
    dropTiedHead,
    dropLayersFrom((c: Config) => c.num_hidden_layers), // predict further tokens
    stackNamedExperts,
    splitExpansion,
    moveConvChannels,
  ],
});
