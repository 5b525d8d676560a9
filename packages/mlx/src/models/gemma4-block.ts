/** What decoders of Gemma 4 are made of. @see mlx-lm 0.32.2 models/gemma4_text.py */
import type { BlockCall } from "../blocks/block-parts.ts";
import { type Choice, weighAnswers } from "../blocks/experts.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { admittedInput, type LayerInputGate } from "../blocks/layer-inputs.ts";
import type { Mask } from "../blocks/mask.ts";
import type { BesideParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedRouter } from "../blocks/normed-router.ts";
import { type Remembered, RememberingAttention } from "../blocks/remembering-attention.ts";
import { createLayerRope } from "../blocks/rope.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { geglu, geluApprox, Linear, Module, type RMSNorm } from "../nn/index.ts";
import { bool, type Infer, int, list, number, object, oneOf, record, string } from "./config.ts";

const ropeParameters = {
  full_attention: { partial_rotary_factor: 0.25, rope_theta: 1000000, rope_type: "proportional" },
  sliding_attention: { partial_rotary_factor: 1, rope_theta: 10000, rope_type: "default" },
};

/** Keys of a config that Gemma 4's language model has. */
export const gemma4TextSchema = {
  hidden_size: int.default(1536),
  num_hidden_layers: int.default(35),
  intermediate_size: int.default(6144),
  num_attention_heads: int.default(8),
  head_dim: int.default(256),
  /** Head dimension of full layers; as `head_dim` when null. */
  global_head_dim: int.nullable(512),
  rms_norm_eps: number.default(1e-6),
  vocab_size: int.default(262144),
  vocab_size_per_layer_input: int.default(262144),
  num_key_value_heads: int.default(1),
  num_global_key_value_heads: int.optional(),
  /** How many of the last layers take their keys and values from the last layer of their type before. */
  num_kv_shared_layers: int.default(20),
  /** Features of each layer's own input; none when null or 0. */
  hidden_size_per_layer_input: int.nullable(256),
  rope_traditional: bool.default(false),
  rope_parameters: object({
    full_attention: record.default({}),
    sliding_attention: record.default({}),
  }).default(ropeParameters),
  sliding_window: int.default(512),
  sliding_window_pattern: int.default(5),
  max_position_embeddings: int.default(131072),
  /** Whether the values of full layers are their keys. */
  attention_k_eq_v: bool.default(false),
  final_logit_softcapping: number.nullable(30),
  use_double_wide_mlp: bool.default(true),
  enable_moe_block: bool.default(false),
  num_experts: int.optional(),
  top_k_experts: int.optional(),
  moe_intermediate_size: int.optional(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).optional(),
  tie_word_embeddings: bool.default(true),
  // rope_parameters say it
  global_partial_rotary_factor: number.optional(),
  partial_rotary_factor: number.optional(),
  attention_bias: oneOf(false).optional(),
  use_bidirectional_attention: string.optional(), // of images
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
};
export type Gemma4TextConfig = Infer<typeof gemma4TextSchema>;

/** Options of `Gemma4Block`. */
export interface Gemma4BlockOptions {
  /** Whether it sees only the latest positions. */
  readonly slides: boolean;
  /** Whether it has no keys and values of its own. */
  readonly onlyShares: boolean;
}

/** The first layer that takes keys and values instead of making them. */
export const firstShared = (c: Gemma4TextConfig): number => c.num_hidden_layers - c.num_kv_shared_layers;

const makeAttention = (
  c: Gemma4TextConfig,
  { slides, onlyShares }: Gemma4BlockOptions,
): RememberingAttention => {
  const head_dim = slides ? c.head_dim : c.global_head_dim || c.head_dim;
  const valuesAreKeys = c.attention_k_eq_v && !slides;
  const globalHeads = valuesAreKeys ? c.num_global_key_value_heads : undefined;
  const rope = createLayerRope(c.rope_parameters[slides ? "sliding_attention" : "full_attention"], {
    dims: head_dim,
    traditional: c.rope_traditional,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const sizes = { ...c, head_dim, num_key_value_heads: globalHeads ?? c.num_key_value_heads };
  return new RememberingAttention(sizes, { rope, valuesAreKeys, onlyShares });
};

class Experts extends Module {
  switch_glu: SwitchGLU;

  constructor(dims: number, hiddenDims: number, experts: number) {
    super();
    this.switch_glu = new SwitchGLU(dims, hiddenDims, experts, { join: geglu });
  }

  forward(x: MxArray, [experts, scores]: Choice): MxArray {
    return weighAnswers(this.switch_glu.forward(x, experts), scores); // [B, L, E]
  }
}

const makeMlp = (c: Gemma4TextConfig, layer: number): GatedMLP => {
  const takesKeys = firstShared(c) > 0 && layer >= firstShared(c);
  const width = c.use_double_wide_mlp && takesKeys ? 2 : 1;
  return new GatedMLP(c.hidden_size, width * c.intermediate_size, { activation: geluApprox });
};

/** Gemma's block around an attention that may share keys; with what each layer is told, and experts, where a config has them. */
export class Gemma4Block extends Module {
  self_attn: RememberingAttention;
  mlp: GatedMLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;
  pre_feedforward_layernorm: RMSNorm;
  post_feedforward_layernorm: RMSNorm;
  declare router?: NormedRouter;
  declare experts?: Experts;
  declare post_feedforward_layernorm_1?: RMSNorm;
  declare post_feedforward_layernorm_2?: RMSNorm;
  declare pre_feedforward_layernorm_2?: RMSNorm;
  declare per_layer_input_gate?: Linear;
  declare per_layer_projection?: Linear;
  declare post_per_layer_input_norm?: RMSNorm;
  layer_scalar: MxArray;

  constructor(c: Gemma4TextConfig, layer: number, options: Gemma4BlockOptions) {
    super();
    this.self_attn = makeAttention(c, options);
    this.mlp = makeMlp(c, layer);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.pre_feedforward_layernorm = rmsNorm(c);
    this.post_feedforward_layernorm = rmsNorm(c);
    if (c.enable_moe_block) this.#addExperts(c);
    if (c.hidden_size_per_layer_input) this.#addOwnInput(c, c.hidden_size_per_layer_input);
    this.layer_scalar = mx.ones([1]);
  }

  #addExperts(c: Gemma4TextConfig): void {
    const { num_experts, top_k_experts, moe_intermediate_size } = c;
    if (num_experts === undefined || top_k_experts === undefined || moe_intermediate_size === undefined) {
      throw new ConfigError("config.json: experts need num_experts, top_k_experts and moe_intermediate_size");
    }
    this.router = new NormedRouter(c, num_experts, top_k_experts);
    this.experts = new Experts(c.hidden_size, moe_intermediate_size, num_experts);
    this.post_feedforward_layernorm_1 = rmsNorm(c);
    this.post_feedforward_layernorm_2 = rmsNorm(c);
    this.pre_feedforward_layernorm_2 = rmsNorm(c);
  }

  #addOwnInput(c: Gemma4TextConfig, dims: number): void {
    this.per_layer_input_gate = new Linear(c.hidden_size, dims, false);
    this.per_layer_projection = new Linear(dims, c.hidden_size, false);
    this.post_per_layer_input_norm = rmsNorm(c);
  }

  get layerInput(): LayerInputGate | undefined {
    const { per_layer_input_gate, per_layer_projection, post_per_layer_input_norm } = this;
    if (!per_layer_input_gate || !per_layer_projection || !post_per_layer_input_norm) return undefined;
    return { per_layer_input_gate, per_layer_projection, post_per_layer_input_norm };
  }

  get beside(): BesideParts | undefined {
    const { router, experts, post_feedforward_layernorm_1: mlpNormAfter } = this;
    const { pre_feedforward_layernorm_2: norm, post_feedforward_layernorm_2: normAfter } = this;
    if (!router || !experts || !mlpNormAfter || !norm || !normAfter) return undefined;
    const mixture = router.mixtureOf(experts.switch_glu);
    return mixture && { ...mixture, routerGain: router.gain, norm, mlpNormAfter, normAfter };
  }

  get factor(): MxArray {
    return this.layer_scalar;
  }

  /** This block among others that may be one operation. */
  call(mask: Mask, cache: LayerCache): BlockCall {
    return { block: this, mask, cache };
  }

  /**
   * @param earlier - what the last layer of its type remembers; undefined where the layer makes keys and values
   * @param input - the layer's own input, `[B, L, P]`
   */
  forward(
    x: MxArray,
    mask: Mask,
    cache: LayerCache,
    earlier: Remembered | undefined,
    input: MxArray | undefined,
  ): [h: MxArray, remembered: Remembered] {
    const normed = this.input_layernorm.forward(x); // [B, L, E]
    const remembered = earlier ?? this.self_attn.remember(normed, cache);
    const attended = this.self_attn.forward(normed, remembered, mask); // [B, L, E]
    const h = mx.add(x, this.post_attention_layernorm.forward(attended));
    const fed = mx.add(h, this.post_feedforward_layernorm.forward(this.#feed(h)));
    return [mx.multiply(this.#addInput(fed, input), this.layer_scalar), remembered];
  }

  /** `[B, L, E] -> [B, L, E]` */
  #feed(h: MxArray): MxArray {
    const dense = this.mlp.forward(this.pre_feedforward_layernorm.forward(h)); // [B, L, E]
    const { router, experts, post_feedforward_layernorm_1: denseNorm } = this;
    const { pre_feedforward_layernorm_2: before, post_feedforward_layernorm_2: after } = this;
    if (!router || !experts || !denseNorm || !before || !after) return dense;
    const sparse = experts.forward(before.forward(h), router.route(h)); // [B, L, E]
    return mx.add(denseNorm.forward(dense), after.forward(sparse));
  }

  /** `[B, L, E]` with the layer's own input `[B, L, P]` through a gate. */
  #addInput(h: MxArray, input: MxArray | undefined): MxArray {
    const gate = this.layerInput;
    return gate && input ? mx.add(h, admittedInput(gate, h, input)) : h;
  }
}
