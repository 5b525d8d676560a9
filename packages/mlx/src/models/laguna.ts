/** Routed and shared experts; heads are gated, and their number and turning depend on the layer. @see mlx-lm 0.32.2 models/laguna.py */
import { type Choice, normScores, topExperts, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { PreNormBlock } from "../blocks/pre-norm-block.ts";
import { createLayerRope } from "../blocks/rope.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, type PositionEmbedding, softplus } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead, stackNamedExperts } from "./common-rules.ts";
import { bool, type Infer, int, list, number, object, ofLayer, oneOf, record } from "./config.ts";
import { rename } from "./sanitize-rules.ts";

const config = {
  vocab_size: int.default(100352),
  hidden_size: int.default(2048),
  intermediate_size: int.default(8192),
  num_hidden_layers: int.default(40),
  num_attention_heads: int.default(48),
  num_key_value_heads: int.default(8),
  head_dim: int.default(128),
  max_position_embeddings: int.default(262144),
  rms_norm_eps: number.default(1e-6),
  attention_bias: bool.default(false), // of the output; qkv_bias of the others
  qkv_bias: bool.default(false),
  gating: bool.default(true),
  tie_word_embeddings: bool.default(false),
  sliding_window: int.default(512),
  partial_rotary_factor: number.default(1),
  rope_parameters: object({
    full_attention: record.default({}),
    sliding_attention: record.default({}),
  }).default({ full_attention: {}, sliding_attention: {} }),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).default([]),
  num_attention_heads_per_layer: list(int.required()).optional(),
  mlp_layer_types: list(oneOf("dense", "sparse").required()).optional(),
  num_experts: int.default(256),
  num_experts_per_tok: int.default(8),
  moe_intermediate_size: int.default(512),
  shared_expert_intermediate_size: int.default(512),
  moe_routed_scaling_factor: number.default(1),
  moe_router_logit_softcapping: number.default(0),
  moe_router_score_func: oneOf("sigmoid", "sqrtsoftplus").default("sigmoid"),
  hidden_act: oneOf("silu").optional(),
};
type Config = Infer<typeof config>;

const lagunaRope = (c: Config, slides: boolean): PositionEmbedding => {
  const own = slides ? c.rope_parameters.sliding_attention : c.rope_parameters.full_attention;
  const part = Number(own.partial_rotary_factor ?? c.partial_rotary_factor);
  return createLayerRope(own, {
    dims: Math.trunc(c.head_dim * part),
    maxPositionEmbeddings: c.max_position_embeddings,
  });
};

class Attention extends NormedAttention {
  declare g_proj?: Linear;

  constructor(c: Config, layer: number, slides: boolean) {
    const num_attention_heads = ofLayer(c.num_attention_heads_per_layer ?? c.num_attention_heads, layer);
    const options = { rope: lagunaRope(c, slides), bias: c.qkv_bias, outputBias: c.attention_bias };
    super({ ...c, num_attention_heads }, options);
    if (c.gating) this.g_proj = new Linear(c.hidden_size, num_attention_heads, false);
  }

  protected override output(found: MxArray, x: MxArray): MxArray {
    if (this.g_proj === undefined) return super.output(found, x);
    const gate = softplus(this.g_proj.forward(x).astype(mx.float32)).astype(found.dtype); // [B, L, H]
    const heads = mx.unflatten(found, -1, [this.H, -1]); // [B, L, H, D]
    return super.output(mx.flatten(mx.multiply(heads, mx.expandDims(gate, -1)), -2), x); // [B, L, E]
  }
}

class Gate extends Module {
  proj: Linear;
  e_score_correction_bias: MxArray;
  readonly #k: number;
  readonly #cap: number;
  readonly #score: (gates: MxArray) => MxArray;

  constructor(c: Config) {
    super();
    this.proj = new Linear(c.hidden_size, c.num_experts, false);
    this.e_score_correction_bias = mx.zeros([c.num_experts]);
    this.#k = c.num_experts_per_tok;
    this.#cap = c.moe_router_logit_softcapping;
    this.#score = c.moe_router_score_func === "sigmoid" ? mx.sigmoid : (gates) => mx.sqrt(softplus(gates));
  }

  route(x: MxArray): Choice {
    const gates = this.proj.forward(x).astype(mx.float32); // [B, L, X]
    const scores = this.#score(this.#cap > 0 ? mx.tanh(gates.divide(this.#cap)).multiply(this.#cap) : gates);
    const [experts] = topExperts(mx.add(scores, this.e_score_correction_bias), this.#k); // [B, L, k]
    return [experts, normScores(mx.takeAlongAxis(scores, experts, -1))];
  }
}

class MoE extends Module {
  gate: Gate;
  switch_mlp: SwitchGLU;
  shared_expert: GatedMLP;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.gate = new Gate(c);
    this.switch_mlp = new SwitchGLU(c.hidden_size, c.moe_intermediate_size, c.num_experts);
    this.shared_expert = new GatedMLP(c.hidden_size, c.shared_expert_intermediate_size);
    this.#scale = c.moe_routed_scaling_factor;
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.gate.route(x); // [B, L, k]
    const answer = weighAnswers(this.switch_mlp.forward(x, experts), scores); // [B, L, E]
    return mx.add(answer.multiply(this.#scale), this.shared_expert.forward(x));
  }
}

const makeBlock = (c: Config, layer: number, slides: boolean): PreNormBlock => {
  const isDense = c.mlp_layer_types === undefined ? layer === 0 : c.mlp_layer_types[layer] !== "sparse";
  const mlp = isDense ? new GatedMLP(c.hidden_size, c.intermediate_size) : new MoE(c);
  return new PreNormBlock(new Attention(c, layer, slides), mlp, () => rmsNorm(c));
};

const create = (c: Config): GatedCausalLM => {
  const window = slidingWindow({ ...c, sliding_window_pattern: 1 });
  const block = (layer: number) => makeBlock(c, layer, window.layers[layer] === true);
  return new GatedCausalLM(c, new SlidingDecoder(c, block, rmsNorm(c), window), "mlp.gate.proj");
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [
    rename(/^language_model\./, ""), // of repacked checkpoints
    dropTiedHead,
    rename(/mlp\.gate\.weight$/, "mlp.gate.proj.weight"),
    rename(/mlp\.experts\.e_score_correction_bias$/, "mlp.gate.e_score_correction_bias"),
    stackNamedExperts,
  ],
});
