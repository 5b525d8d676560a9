/** Routed and shared experts; heads are gated, and their number and turning depend on the layer. @see mlx-lm 0.32.2 models/step3p5.py */
import { type Choice, routeExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SlidingDecoder } from "../blocks/sliding-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import {
  clampedSwiglu,
  type GatedActivation,
  Linear,
  Module,
  type PositionEmbedding,
  swiglu,
} from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import {
  bool,
  type Infer,
  int,
  list,
  number,
  object,
  ofLayer,
  oneOf,
  oneOrList,
  record,
  string,
} from "./config.ts";
import { drop, dropLayersFrom, map, rename, whenPresent } from "./sanitize-rules.ts";
import { added } from "./tensor-change.ts";

const layerType = oneOf("full_attention", "sliding_attention");

const slidingHeads = {
  num_attention_heads: int.required(),
  num_attention_groups: int.required(),
  attention_type: oneOf("sliding_attention").optional(),
  head_dim: int.optional(),
  true_head_dim: int.optional(),
};

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  vocab_size: int.required(),
  num_attention_heads: int.required(),
  num_attention_groups: int.required(), // key heads
  head_dim: int.required(),
  intermediate_size: int.required(),
  rms_norm_eps: number.default(1e-5),
  rope_theta: oneOrList(number.required()).default(10000),
  rope_scaling: record.optional(),
  max_position_embeddings: int.default(262144),
  sliding_window: int.default(512),
  layer_types: list(layerType.required()).default([]),
  /** The types of layer that scale their rotary embedding; all where the list is empty. */
  yarn_only_types: list(layerType.required()).default([]),
  partial_rotary_factors: list(number.required()).default([]),
  attention_other_setting: object(slidingHeads).optional(),
  use_head_wise_attn_gate: bool.default(true),
  moe_num_experts: int.default(288),
  moe_top_k: int.default(8),
  moe_intermediate_size: int.default(1280),
  share_expert_dim: int.default(1280),
  moe_layers_enum: string.optional(),
  moe_router_scaling_factor: number.default(3),
  norm_expert_weight: bool.default(true),
  swiglu_limits: list(number.required()).default([]),
  swiglu_limits_shared: list(number.required()).default([]),
  tie_word_embeddings: oneOf(false).optional(),
  att_impl_type: string.optional(),
  max_seq_len: int.optional(),
  moe_router_activation: oneOf("sigmoid").optional(),
  need_fp32_gate: bool.optional(),
  use_moe: oneOf(true).optional(),
  use_moe_router_bias: oneOf(true).optional(),
  use_qk_norm: oneOf(true).optional(),
  zero_centered: oneOf(true).optional(),
};
type Config = Infer<typeof config>;

/** Python's layers slide by turns where the config has no types. */
const slides = (c: Config, layer: number): boolean =>
  c.layer_types.length === 0 ? layer % 2 === 0 : c.layer_types[layer] === "sliding_attention";

const stepRope = (c: Config, layer: number): PositionEmbedding => {
  const type = c.layer_types[layer] ?? "full_attention";
  const isScaled = c.yarn_only_types.length === 0 || c.yarn_only_types.includes(type);
  return createRope({
    dims: Math.trunc(c.head_dim * (c.partial_rotary_factors[layer] ?? 1)),
    base: ofLayer(c.rope_theta, layer),
    scaling: isScaled ? c.rope_scaling : undefined,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
};

class Attention extends NormedAttention {
  declare g_proj?: Linear;

  constructor(c: Config, layer: number) {
    const { num_attention_heads, num_attention_groups } =
      (slides(c, layer) && c.attention_other_setting) || c;
    super(
      { ...c, num_attention_heads, num_key_value_heads: num_attention_groups },
      { rope: stepRope(c, layer) },
    );
    if (c.use_head_wise_attn_gate) this.g_proj = new Linear(c.hidden_size, num_attention_heads, false);
  }

  protected override output(found: MxArray, x: MxArray): MxArray {
    if (this.g_proj === undefined) return super.output(found, x);
    const gate = mx.sigmoid(this.g_proj.forward(x)); // [B, L, H]
    const heads = mx.unflatten(found, -1, [this.H, -1]); // [B, L, H, D]
    return super.output(mx.flatten(mx.multiply(heads, mx.expandDims(gate, -1)), -2), x); // [B, L, E]
  }
}

class Gate extends Module {
  gate: Linear;
  router_bias: MxArray;
  readonly #c: Config;

  constructor(c: Config) {
    super();
    this.gate = new Linear(c.hidden_size, c.moe_num_experts, false);
    this.router_bias = mx.zeros([c.moe_num_experts]);
    this.#c = c;
  }

  route(x: MxArray): Choice {
    return routeExperts(this.gate.forward(x), {
      k: this.#c.moe_top_k,
      score: "sigmoid",
      bias: this.router_bias,
      isNormed: this.#c.norm_expert_weight,
      scale: this.#c.moe_router_scaling_factor,
    }); // [B, L, k]
  }
}

/** The activation of a layer by a list of limits, of which 0 is none. */
const joinOf = (limits: readonly number[], layer: number): GatedActivation => {
  const limit = limits[layer] ?? 0;
  return limit > 0 ? clampedSwiglu(limit) : swiglu;
};

class MoE extends Module {
  gate: Gate;
  switch_mlp: SwitchGLU;
  share_expert: GatedMLP;

  constructor(c: Config, layer: number) {
    super();
    const { hidden_size: dims, moe_intermediate_size: F } = c;
    this.gate = new Gate(c);
    this.switch_mlp = new SwitchGLU(dims, F, c.moe_num_experts, { join: joinOf(c.swiglu_limits, layer) });
    this.share_expert = new GatedMLP(dims, c.share_expert_dim, {
      join: joinOf(c.swiglu_limits_shared, layer),
    });
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    return mx.add(weighAnswers(this.switch_mlp.forward(x, experts), scores), this.share_expert.forward(x)); // [B, L, E]
  }
}

const isSparse = (c: Config, layer: number): boolean =>
  c.moe_layers_enum ? c.moe_layers_enum.split(",").map(Number).includes(layer) : layer > 0;

const makeBlock = (c: Config, layer: number): PreNormBlock => {
  const join = joinOf(c.swiglu_limits_shared, layer);
  const mlp = isSparse(c, layer)
    ? new MoE(c, layer)
    : new GatedMLP(c.hidden_size, c.intermediate_size, { join });
  return new PreNormBlock(new Attention(c, layer), mlp, () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM => {
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => slides(c, i));
  const window = { size: c.sliding_window, layers };
  const model = new SlidingDecoder(c, (layer) => makeBlock(c, layer), rmsNorm(c), window);
  return new GatedCausalLM({ ...c, tie_word_embeddings: false }, model, "mlp.gate.gate");
};

/** A repository's own layout has other names, and norms stored minus one. */
const own = [
  rename(/\.moe\.(?=gate_proj\.|up_proj\.|down_proj\.)/, ".mlp.switch_mlp."),
  rename(/\.moe\.(?=gate\.|router_bias)/, ".mlp.gate."),
  rename(/(?<!\.mlp)\.share_expert\./, ".mlp.share_expert."),
  map(/norm.*\.weight$/, [added(1)]),
];

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    drop(/\.mtp/),
    dropLayersFrom<Config>((c) => c.num_hidden_layers),
    whenPresent(
      /\.moe\.(gate_proj\.|up_proj\.|down_proj\.|gate\.|router_bias)|(?<!\.mlp)\.share_expert\./,
      own,
    ),
  ],
});
