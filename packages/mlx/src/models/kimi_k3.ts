/** Kimi K3: Kimi Linear with experts on few features and layers that choose among earlier sums. @see mlx-lm 0.32.2 models/kimi_k3.py */
import { AbsorbedAttention } from "../blocks/absorbed-attention.ts";
import { splitHeads } from "../blocks/attention.ts";
import { CorrectedMoe } from "../blocks/corrected-moe.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { chooseAmong, type Sums } from "../blocks/earlier-sums.ts";
import { LowRankDelta } from "../blocks/feature-delta.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { hybridCaches, hybridMasks, type Recurrence } from "../blocks/hybrid-decoder.ts";
import type { Mask } from "../blocks/mask.ts";
import { type Norm, rmsNorm } from "../blocks/norm.ts";
import type { FeedForward, Mixer } from "../blocks/pre-norm-block.ts";
import { noRope } from "../blocks/rope.ts";
import type { LayerArrays, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import {
  Embedding,
  type GatedActivation,
  Linear,
  Module,
  type Quantization,
  type RMSNorm,
  situ,
} from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackMixtralExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, object, oneOf } from "./config.ts";
import { splitExpansion } from "./deepseek_v3.ts";
import { ShortConv } from "./kimi_linear.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";
import { concatenateInto, drop, dropLayersFrom, map, rename } from "./sanitize-rules.ts";
import { computed, reshaped, transposed } from "./tensor-change.ts";
import { wrapOptionalText } from "./wrap-text.ts";

const config = {
  vocab_size: int.default(163840),
  hidden_size: int.default(7168),
  num_hidden_layers: int.default(93),
  num_attention_heads: int.default(96),
  num_key_value_heads: int.optional(), // all heads share one latent
  intermediate_size: int.default(33792),
  rms_norm_eps: number.default(1e-5),
  max_position_embeddings: int.optional(),
  linear_attn_config: object({
    kda_layers: list(int.required()).required(),
    num_heads: int.required(),
    head_dim: int.required(),
    short_conv_kernel_size: int.required(),
    gate_lower_bound: number.optional(),
    use_full_rank_gate: bool.default(false),
    full_attn_layers: list(int.required()).optional(), // all but kda_layers
  }).required(),
  hidden_act: oneOf("situ").optional(),
  activation_situ_beta: number.optional(),
  activation_situ_linear_beta: number.optional(),
  attn_res_block_size: int.optional(),
  q_lora_rank: int.optional(),
  kv_lora_rank: int.required(),
  qk_nope_head_dim: int.required(),
  qk_rope_head_dim: int.required(),
  v_head_dim: int.required(),
  mla_use_nope: oneOf(true).optional(),
  mla_use_output_gate: bool.default(false),
  num_experts: int.default(0),
  num_experts_per_token: int.default(16),
  num_shared_experts: int.default(0),
  moe_intermediate_size: int.default(0),
  moe_router_activation_func: oneOf("sigmoid").optional(),
  topk_method: oneOf("noaux_tc").optional(),
  moe_renormalize: bool.default(true),
  routed_scaling_factor: number.default(1),
  first_k_dense_replace: int.default(0),
  moe_layer_freq: int.default(1),
  use_grouped_topk: bool.optional(), // groups say it
  num_expert_group: int.default(1),
  topk_group: int.default(1),
  routed_expert_hidden_size: int.optional(),
  latent_moe_use_norm: bool.default(false),
  tie_word_embeddings: bool.default(false),
};
type Config = Infer<typeof config>;

/** How gates and their inputs become one. */
const joinOf = (c: Config): GatedActivation =>
  situ(c.activation_situ_beta || 1, c.activation_situ_linear_beta); // 0: the default

class DeltaAttention extends LowRankDelta {
  qkv_proj: Linear;
  qkv_conv: ShortConv;
  protected readonly stateSlot = 1;

  constructor({ hidden_size: E, linear_attn_config: linear, rms_norm_eps: eps }: Config) {
    const { num_heads: heads, head_dim: headDim, use_full_rank_gate: isFullRank } = linear;
    super({ hiddenSize: E, heads, headDim, eps, lowerBound: linear.gate_lower_bound }, isFullRank);
    this.qkv_proj = new Linear(E, 3 * heads * headDim, false);
    this.qkv_conv = new ShortConv(3 * heads * headDim, linear.short_conv_kernel_size);
  }

  protected mixed(x: MxArray, mask: Mask, arrays: LayerArrays): MxArray[] {
    return mx.split(this.qkv_conv.continue(this.qkv_proj.forward(x), mask, arrays, 0), 3, -1);
  }
}

/** Latent attention without positions, with a gate per feature of what heads found. */
class LatentAttention extends AbsorbedAttention {
  declare g_proj?: Linear;

  constructor(c: Config) {
    const scale = (c.qk_nope_head_dim + c.qk_rope_head_dim) ** -0.5;
    super({ ...c, attention_bias: false }, { rope: noRope, scale });
    if (c.mla_use_output_gate) {
      this.g_proj = new Linear(c.hidden_size, c.num_attention_heads * c.v_head_dim, false);
    }
  }

  protected override gated(found: MxArray, x: MxArray): MxArray {
    if (this.g_proj === undefined) return found;
    const [B = 1, H = 1, L = 1] = found.shape;
    return mx.multiply(found, splitHeads(mx.sigmoid(this.g_proj.forward(x)), B, L, H)); // [B, H, L, v_head_dim]
  }
}

const makeExperts = (c: Config): CorrectedMoe => {
  const { routed_expert_hidden_size: dims } = c;
  const eps = c.latent_moe_use_norm ? c.rms_norm_eps : undefined;
  const sizes = {
    hidden_size: c.hidden_size,
    experts: c.num_experts,
    width: c.moe_intermediate_size,
    sharedWidth: c.moe_intermediate_size * c.num_shared_experts,
    narrow: dims === undefined ? undefined : { dims, eps },
    join: joinOf(c),
  };
  return new CorrectedMoe(sizes, {
    k: c.num_experts_per_token,
    score: "sigmoid",
    groups: { count: c.num_expert_group, kept: c.topk_group },
    isNormed: c.moe_renormalize && c.num_experts_per_token > 1,
    scale: c.routed_scaling_factor,
  });
};

class Block extends Module {
  self_attn: Mixer;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;
  declare self_attention_res_proj?: Linear;
  declare self_attention_res_norm?: RMSNorm;
  declare mlp_res_proj?: Linear;
  declare mlp_res_norm?: RMSNorm;
  readonly #isStart: boolean;
  readonly #eps: number;

  constructor(c: Config, layer: number) {
    super();
    this.self_attn = isRecurrent(c, layer) ? new DeltaAttention(c) : new LatentAttention(c);
    this.mlp = isSparse(c, layer)
      ? makeExperts(c)
      : new GatedMLP(c.hidden_size, c.intermediate_size, { join: joinOf(c) });
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    if (c.attn_res_block_size !== undefined) {
      this.self_attention_res_proj = new Linear(c.hidden_size, 1, false);
      this.self_attention_res_norm = rmsNorm(c);
      this.mlp_res_proj = new Linear(c.hidden_size, 1, false);
      this.mlp_res_norm = rmsNorm(c);
    }
    this.#isStart = c.attn_res_block_size !== undefined && layer % c.attn_res_block_size === 0;
    this.#eps = c.rms_norm_eps;
  }

  /** The current sum `[B, L, E]` and the earlier ones, to both. */
  forward(x: MxArray, earlier: Sums, mask: Mask, cache: LayerCache): [sum: MxArray, earlier: Sums] {
    const { self_attention_res_proj: proj, self_attention_res_norm: norm } = this;
    const before = chooseAmong(earlier, x, proj, norm, this.#eps);
    const mixed = this.self_attn.forward(this.input_layernorm.forward(before), mask, cache); // [B, L, E]
    const [sum, sums] = this.#isStart ? [mixed, [...earlier, x]] : [mx.add(x, mixed), earlier];
    const between = chooseAmong(sums, sum, this.mlp_res_proj, this.mlp_res_norm, this.#eps);
    return [mx.add(sum, this.mlp.forward(this.post_attention_layernorm.forward(between))), sums];
  }
}

const isRecurrent = (c: Config, layer: number): boolean =>
  c.linear_attn_config.kda_layers.includes(layer + 1);

const isSparse = (c: Config, layer: number): boolean =>
  c.num_experts > 0 && layer >= c.first_k_dense_replace && layer % c.moe_layer_freq === 0;

class KimiBody extends Module implements DecoderBody {
  embed_tokens: Embedding;
  layers: Block[];
  norm: Norm;
  declare output_attn_res_proj?: Linear;
  declare output_attn_res_norm?: RMSNorm;
  readonly #recurrence: Recurrence;
  readonly #eps: number;

  constructor(c: Config) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.norm = rmsNorm(c);
    if (c.attn_res_block_size !== undefined) {
      this.output_attn_res_proj = new Linear(c.hidden_size, 1, false);
      this.output_attn_res_norm = rmsNorm(c);
    }
    this.#recurrence = { layers: this.layers.map((_, i) => isRecurrent(c, i)), slots: 2 };
    this.#eps = c.rms_norm_eps;
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = embeddings ?? this.embed_tokens.forward(tokens); // [B, L, E]
    let earlier: Sums = [];
    const maskOf = hybridMasks(this.#recurrence, h.dim(1), cache);
    this.layers.forEach((layer, i) => {
      [h, earlier] = layer.forward(h, earlier, maskOf(i), layerCache(cache, i));
    });
    const { output_attn_res_proj: proj, output_attn_res_norm: norm } = this;
    return this.norm.forward(chooseAmong(earlier, h, proj, norm, this.#eps));
  }

  makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}

class KimiModel extends GatedCausalLM<KimiBody> {
  constructor(c: Config) {
    super(c, new KimiBody(c));
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return path.endsWith("res_proj") ? false : super.quantizationOf(path);
  }
}

/** The first number of each head: some checkpoints have more. */
const cutDecays = map<Config>(
  /A_log$/,
  ({ linear_attn_config: { num_heads } }) => [
    computed(`the first ${num_heads}`, (x) => mx.index(x, [0, num_heads])),
  ],
  ([length = 0], c) => length > c.linear_attn_config.num_heads,
);

const text = defineArchitecture({
  config,
  create: (c) => new KimiModel(c),
  sanitize: [
    drop(/^(model\.)?mtp/),
    dropLayersFrom((c: Config) => c.num_hidden_layers), // predict further tokens
    dropTiedHead,
    rename(/(?<=(self_attention|mlp|output_attn)_res)\.(proj|norm)_weight$/, "_$2.weight"),
    ...stackMixtralExperts,
    rename(/block_sparse_moe\.gate\.e_score_correction_bias$/, "mlp.e_score_correction_bias"),
    rename(/block_sparse_moe\./, "mlp."),
    map(/[qkv]_conv1d\.weight$/, [transposed(0, 2, 1)], (shape) => shape.length === 3),
    rename(/(?<=[qkv]_conv)1d\.weight$/, ".conv.weight"),
    map(/(dt_bias|A_log)$/, [reshaped(-1)], (shape) => shape.length > 1),
    cutDecays,
    concatenateInto(/self_attn\.(?<part>[qkv])_proj\./, "self_attn.qkv_proj.", ["q", "k", "v"]),
    concatenateInto(/self_attn\.(?<part>[qkv])_conv\./, "self_attn.qkv_conv.", ["q", "k", "v"]),
    splitExpansion,
  ],
});

export const architecture = wrapOptionalText(text, [
  drop(/^(vision_tower|vision_model|multi_modal_projector|mm_projector)/),
  rename(/^language_model\./, ""),
]);
