/** A float32 residual stream with fixed gates, experts in a narrower space: text alone. @see mlx-lm 0.32.2 models/muse_spark.py */
import { attention, mergeHeads, splitHeads } from "../blocks/attention.ts";
import { type Choice, normScores, topExperts } from "../blocks/experts.ts";
import type { Mask } from "../blocks/mask.ts";
import { noRope } from "../blocks/rope.ts";
import { SlidingDecoder, slidingWindow } from "../blocks/sliding-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import {
  type GatedActivation,
  Linear,
  Module,
  NVFP4_LARGEST,
  type PositionEmbedding,
  type Quantization,
  RMSNorm,
  RoPE,
  silu,
} from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, object, oneOf, record } from "./config.ts";
import { type ForwardOptions, LanguageModel } from "./language-model.ts";
import { concatenateInto, derive, drop, map, rename, splitInto, whenPresent } from "./sanitize-rules.ts";
import {
  added,
  cast,
  computed,
  multiplied,
  reshaped,
  squeezed,
  transposed,
  viewed,
} from "./tensor-change.ts";

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
type Config = Infer<typeof config>;

/** Norms the stream, and leaves its float32 for the dtype of the weight. */
class StreamNorm extends RMSNorm {
  override forward(x: MxArray): MxArray {
    return super.forward(x).astype(this.weight.dtype);
  }
}

/** A norm that scales what it norms, not the result. */
class InputScaleNorm extends Module {
  weight: MxArray;
  readonly #eps: number;

  constructor(dims: number, eps: number) {
    super();
    this.weight = mx.ones([dims]);
    this.#eps = eps;
  }

  forward(x: MxArray): MxArray {
    return mx.fast.rmsNorm(mx.multiply(this.weight, x), undefined, this.#eps);
  }
}

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

/** Beside its vision tower in checkpoints. */
class Parts extends Module {
  language_model: MuseDecoder;

  constructor(language_model: MuseDecoder) {
    super();
    this.language_model = language_model;
  }
}

/** Its logits are float32. */
class MuseSparkModel extends LanguageModel {
  model: Parts;
  lm_head: Linear;
  readonly #c: Text;

  constructor(c: Text) {
    super();
    this.model = new Parts(new MuseDecoder(c));
    this.lm_head = new Linear(c.hidden_size, c.vocab_size, false);
    this.#c = c;
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    const h = this.model.language_model.forward(tokens, options); // [B, L, E]
    const logits = this.lm_head.forward(h).astype(mx.float32).multiply(this.#c.output_multiplier); // [B, L, V]
    return mx.fast.softcap(logits, this.#c.final_logit_softcapping);
  }

  get layers(): readonly Block[] {
    return this.model.language_model.layers;
  }

  override makeCache(): LayerCache[] {
    return this.model.language_model.makeCache();
  }

  /** Only experts are quantized, and not those of the first and the last layer. */
  override quantizationOf(path: string): boolean | Partial<Quantization> {
    const layer = /layers\.(\d+)\.mlp\.experts\.(gate|up|down)_proj$/.exec(path)?.[1];
    return layer !== undefined && Number(layer) > 0 && Number(layer) < this.#c.num_hidden_layers - 1;
  }
}

/** What a fixed gate leaves of the stream; `beta` lets the branch in. */
const openness = (gate: MxArray): MxArray => gate.astype(mx.float32).divide(0.3);
const beta = computed("sigmoid(gate / 0.3)", (gate) => mx.sigmoid(openness(gate)));
const alpha = computed("sqrt(max(1 - beta ** 2, 1e-3))", (gate) => {
  const w = openness(gate);
  const rest = mx.multiply(mx.sigmoid(mx.negative(w)), mx.sigmoid(w).add(1));
  return mx.sqrt(mx.clip(rest, 1e-3));
});

const gain = [cast(mx.float32), added(1), cast(mx.bfloat16)];
const zeroCentered =
  /(input_layernorm|pre_feedforward_layernorm|post_feedforward_layernorm|pre_expert_norm|post_expert_norm)\.weight$/;

/** Rows for pairs of halves to rows for pairs of neighbours. */
const interleaved =
  (heads: (c: Text) => number) =>
  ({ text_config: c }: Config) => [
    reshaped(heads(c), 2, c.head_dim / 2, -1),
    transposed(0, 2, 1, 3),
    reshaped(heads(c) * c.head_dim, -1),
  ];

const fromGate = (branch: string, name: string) => {
  const gate = new RegExp(`post_${branch}_residual_gate\\.gate$`);
  return [
    derive(gate, `add_${name}_alpha`, [alpha]),
    derive(gate, `add_${name}_beta`, [beta]),
    drop<Config>(gate),
  ];
};

/** Experts' gates and ups, one behind the other along the second axis. */
const splitExperts = (pattern: RegExp, part: string) =>
  splitInto<Config>(pattern, [`experts.gate_proj.${part}`, `experts.up_proj.${part}`], { axis: 1 });

/** Experts as ModelOpt packs them; gates and ups have a factor each. */
const unpackNvfp4 = [
  map<Config>(/experts\.(gate_up|down)_proj$/, [viewed(mx.uint32)], (_, __, { name }) => name === "uint8"),
  splitExperts(/experts\.gate_up_proj_weight_scale$/, "scales"),
  rename<Config>(/experts\.down_proj_weight_scale$/, "experts.down_proj.scales"),
  map<Config>(/experts\.(gate_up|down)_proj_weight_scale_2$/, [multiplied(NVFP4_LARGEST)]),
  splitExperts(/experts\.gate_up_proj_weight_scale_2$/, "global_scale"),
  map<Config>(/experts\.(gate|up)_proj\.global_scale$/, [squeezed(1)]),
  rename<Config>(/experts\.down_proj_weight_scale_2$/, "experts.down_proj.global_scale"),
  drop<Config>(/experts\.(gate_up|down)_proj_input_scale$/),
];

export const architecture = defineArchitecture({
  config,
  create: (c) => new MuseSparkModel(c.text_config),
  sanitize: [
    drop(/^model\.(audio_tower|vision_tower|vision_adapter|vision_projection)\./),
    whenPresent(/residual_gate\.gate$/, [
      ...fromGate("attention", "attn"),
      ...fromGate("feedforward", "ffn"),
      map(zeroCentered, gain),
      ...unpackNvfp4,
      splitExperts(/experts\.gate_up_proj$/, "weight"),
      rename(/experts\.down_proj$/, "experts.down_proj.weight"),
    ]),
    map(
      /self_attn\.q_proj\.(weight|scales|biases)$/,
      interleaved((c) => c.num_attention_heads),
    ),
    map(
      /self_attn\.k_proj\.(weight|scales|biases)$/,
      interleaved((c) => c.num_key_value_heads),
    ),
    concatenateInto(/(?<=self_attn\.)(?<part>q|k|v|gate)_proj/, "qkvg_proj", ["q", "k", "v", "gate"]),
  ],
});
