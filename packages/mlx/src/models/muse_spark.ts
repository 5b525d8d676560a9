/** A float32 residual stream with fixed gates, experts in a narrower space: text alone. @see mlx-lm 0.32.2 models/muse_spark.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { HeadedLM } from "../blocks/causal-lm.ts";
import { type Choice, normScores, topExperts } from "../blocks/experts.ts";
import { InnerText } from "../blocks/inner-text.ts";
import type { Mask } from "../blocks/mask.ts";
import { noRope } from "../blocks/rope.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { InputScaleNorm, StreamNorm } from "../blocks/stream-norms.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import {
  type GatedActivation,
  Linear,
  Module,
  type PositionEmbedding,
  type Quantization,
  RMSNorm,
  RoPE,
  silu,
} from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, object, oneOf, record } from "./config.ts";
import { rules } from "./muse_spark-rules.ts";

const text = {
  hidden_size: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.required(),
  head_dim: int.required(),
  num_hidden_layers: int.required(),
  vocab_size: int.required(),
  rms_norm_eps: number.required(),
  post_norm_eps: number.required(),
  rope_parameters: object({
    rope_theta: number.required(),
    rope_type: oneOf("default").optional(),
  }).required(),
  layer_rope_theta: list(number.required()).required(), // 0 where a layer does not turn
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).required(),
  sliding_window: int.required(),
  final_logit_softcapping: number.required(),
  output_multiplier: number.required(),
  num_local_experts: int.required(),
  num_experts_per_tok: int.required(),
  moe_hidden_size: int.required(),
  moe_intermediate_size: int.required(),
  qk_scale_factor: number.default(5.4730064863875),
  routed_scaling_factor: number.default(1),
  num_shared_experts: oneOf(0).optional(),
  mlp_layer_types: list(oneOf("sparse").required()).optional(),
  tie_word_embeddings: oneOf(false).optional(),
  attention_bias: oneOf(false).optional(),
  hidden_act: oneOf("silu").optional(),
};
type Text = Infer<typeof text>;

const config = {
  text_config: object(text).required(),
  // of the vision tower
  vision_config: record.optional(),
  image_token_id: int.optional(),
  out_hidden_size: int.optional(),
  projector_hidden_size: int.optional(),
  vocab_size: int.optional(), // text_config says it
  tie_word_embeddings: bool.optional(),
};

/** Queries, keys, values and an output gate from one projection. */
class Attention extends Module {
  qkvg_proj: Linear;
  o_proj: Linear;
  readonly #c: Text;
  readonly #rope: PositionEmbedding;

  constructor(c: Text, turns: boolean) {
    super();
    const { num_attention_heads: H, num_key_value_heads: K, head_dim: D } = c;
    this.qkvg_proj = new Linear(c.hidden_size, 2 * (H + K) * D, false);
    this.o_proj = new Linear(H * D, c.hidden_size, false);
    this.#c = c;
    this.#rope = turns ? new RoPE(D, { traditional: true, base: c.rope_parameters.rope_theta }) : noRope;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const { num_attention_heads: H, num_key_value_heads: K, head_dim: D } = this.#c;
    const [B = 1, L = 1] = x.shape;
    const cuts = [H * D, (H + K) * D, (H + 2 * K) * D];
    const [q = x, k = x, v = x, gate = x] = mx.split(this.qkvg_proj.forward(x), cuts, -1);
    const scaled = this.#normed(splitHeads(q, B, L, H))
      .astype(mx.float32)
      .multiply(this.#c.qk_scale_factor);
    const queries = this.#rope.forward(scaled.astype(x.dtype), cache.offset); // [B, H, L, D]
    const newKeys = this.#rope.forward(this.#normed(splitHeads(k, B, L, K)), cache.offset); // [B, K, L, D]
    const [keys, values] = cache.updateAndFetch(newKeys, splitHeads(v, B, L, K)); // [B, K, S, D]
    const out = attention(queries, keys, values, { scale: D ** -0.5, mask }); // [B, H, L, D]
    const found = mergeHeads(this.#normed(out.astype(mx.float32)), B, L); // [B, L, H * D]
    const gated = mx.multiply(found, mx.sigmoid(gate.astype(mx.float32)));
    return this.o_proj.forward(gated.astype(x.dtype)); // [B, L, E]
  }

  /** Per head. */
  #normed(heads: MxArray): MxArray {
    return mx.fast.rmsNorm(heads, undefined, this.#c.rms_norm_eps);
  }
}

/** Swiglu in float32, rounded once. */
const preciseSwiglu: GatedActivation = (gate, x) =>
  mx.multiply(silu(gate.astype(mx.float32)), x.astype(mx.float32)).astype(x.dtype);

class Experts extends SwitchGLU {
  post_expert_norm: InputScaleNorm;

  constructor(c: Text) {
    super(c.moe_hidden_size, c.moe_intermediate_size, c.num_local_experts, { join: preciseSwiglu });
    this.post_expert_norm = new InputScaleNorm(c.moe_hidden_size, c.post_norm_eps);
  }
}

class Gate extends Module {
  weight: MxArray;
  e_score_correction_bias: MxArray;

  constructor(c: Text) {
    super();
    this.weight = mx.zeros([c.num_local_experts, c.hidden_size]);
    this.e_score_correction_bias = mx.zeros([c.num_local_experts]);
  }
}

class MoE extends Module {
  gate: Gate;
  pre_expert_proj: Linear;
  pre_expert_norm: RMSNorm;
  experts: Experts;
  post_expert_proj: Linear;
  readonly #c: Text;

  constructor(c: Text) {
    super();
    this.gate = new Gate(c);
    this.pre_expert_proj = new Linear(c.hidden_size, c.moe_hidden_size, false);
    this.pre_expert_norm = new RMSNorm(c.moe_hidden_size, c.rms_norm_eps);
    this.experts = new Experts(c);
    this.post_expert_proj = new Linear(c.moe_hidden_size, c.hidden_size, false);
    this.#c = c;
  }

  forward(x: MxArray): MxArray {
    const [experts, scores] = this.#route(x); // [B, L, k]
    const narrow = this.pre_expert_norm.forward(this.pre_expert_proj.forward(x)); // [B, L, C]
    const answers = this.experts.forward(narrow, experts).astype(mx.float32); // [B, L, k, C]
    const normed = this.experts.post_expert_norm.forward(answers);
    const weights = mx.expandDims(scores.astype(x.dtype), -1); // [B, L, k, 1]
    return this.post_expert_proj.forward(mx.sum(mx.multiply(normed, weights), -2).astype(x.dtype)); // [B, L, E]
  }

  #route(x: MxArray): Choice {
    const c = this.#c;
    const gates = mx.matmul(x.astype(mx.float32), mx.transpose(this.gate.weight)); // [B, L, X]
    const scores = mx.sigmoid(gates.multiply(c.output_multiplier));
    const [experts] = topExperts(mx.add(scores, this.gate.e_score_correction_bias), c.num_experts_per_tok);
    const chosen = mx.takeAlongAxis(scores, experts, -1); // [B, L, k]
    return [experts, normScores(chosen, 1e-15).multiply(c.routed_scaling_factor)];
  }
}

class Block extends Module {
  input_layernorm: StreamNorm;
  self_attn: Attention;
  pre_feedforward_layernorm: StreamNorm;
  mlp: MoE;
  post_feedforward_layernorm: InputScaleNorm;
  add_attn_alpha: MxArray;
  add_attn_beta: MxArray;
  add_ffn_alpha: MxArray;
  add_ffn_beta: MxArray;
  readonly #eps: number;

  constructor(c: Text, layer: number) {
    super();
    const dims = c.hidden_size;
    this.input_layernorm = new StreamNorm(dims, c.rms_norm_eps);
    this.self_attn = new Attention(c, c.layer_rope_theta[layer] !== 0);
    this.pre_feedforward_layernorm = new StreamNorm(dims, c.rms_norm_eps);
    this.mlp = new MoE(c);
    this.post_feedforward_layernorm = new InputScaleNorm(dims, c.post_norm_eps);
    this.add_attn_alpha = mx.ones([dims]);
    this.add_attn_beta = mx.ones([dims]);
    this.add_ffn_alpha = mx.ones([dims]);
    this.add_ffn_beta = mx.ones([dims]);
    this.#eps = c.post_norm_eps;
  }

  /** The float32 stream `[B, L, E]` after both branches. */
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const attended = this.self_attn.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const attn = mx.fast.rmsNorm(attended, undefined, this.#eps);
    const h = mx.add(mx.multiply(this.add_attn_alpha, x), mx.multiply(this.add_attn_beta, attn));
    const fed = this.post_feedforward_layernorm.forward(
      this.mlp.forward(this.pre_feedforward_layernorm.forward(h)),
    );
    return mx.add(mx.multiply(this.add_ffn_alpha, h), mx.multiply(this.add_ffn_beta, fed));
  }
}

class MuseDecoder extends SlidingDecoder<Block> {
  readonly #eps: number;

  constructor(c: Text) {
    const window = slidingWindow({ ...c, sliding_window_pattern: 1 });
    super(c, (layer) => new Block(c, layer), new StreamNorm(c.hidden_size, c.rms_norm_eps), window);
    this.#eps = c.rms_norm_eps;
  }

  /** Given embeddings are normed already. */
  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    const h = embeddings ?? mx.fast.rmsNorm(this.embed_tokens.forward(tokens), undefined, this.#eps);
    return h.astype(mx.float32);
  }
}

/** Its logits are float32. */
class MuseSparkModel extends HeadedLM<MuseDecoder> {
  model: InnerText<MuseDecoder>;
  override lm_head: Linear;
  readonly #c: Text;

  constructor(c: Text) {
    super();
    this.model = new InnerText(new MuseDecoder(c));
    this.lm_head = new Linear(c.hidden_size, c.vocab_size, false);
    this.#c = c;
  }

  protected get body(): MuseDecoder {
    return this.model.language_model;
  }

  protected override logits(h: MxArray): MxArray {
    const logits = this.lm_head.forward(h).astype(mx.float32).multiply(this.#c.output_multiplier); // [B, L, V]
    return mx.fast.softcap(logits, this.#c.final_logit_softcapping);
  }

  /** Only experts are quantized, and not those of the first and the last layer. */
  override quantizationOf(path: string): boolean | Partial<Quantization> {
    const layer = /layers\.(\d+)\.mlp\.experts\.(gate|up|down)_proj$/.exec(path)?.[1];
    return layer !== undefined && Number(layer) > 0 && Number(layer) < this.#c.num_hidden_layers - 1;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new MuseSparkModel(c.text_config),
  sanitize: rules,
});
