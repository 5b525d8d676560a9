/**
 * Gemma 3 whose last layers take earlier keys and values, with inputs for each layer and experts beside the MLP.
 *
 * @see mlx-lm 0.32.2 models/gemma4_text.py
 */
import type { BlockCall } from "../blocks/block-parts.ts";
import { BlockFrame, type BlockInputs } from "../blocks/decoder-frame.ts";
import { type Choice, weighAnswers } from "../blocks/experts.ts";
import { GatedCausalLM } from "../blocks/gated-causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import { admittedInput, type LayerInputGate, layerInputs } from "../blocks/layer-inputs.ts";
import type { Mask } from "../blocks/mask.ts";
import type { BesideParts } from "../blocks/mixture-parts.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedRouter } from "../blocks/normed-router.ts";
import { type Remembered, RememberingAttention } from "../blocks/remembering-attention.ts";
import { createLayerRope } from "../blocks/rope.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import { SwitchGLU } from "../blocks/switch-glu.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, geglu, geluApprox, Linear, Module, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, object, oneOf, record, string } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { drop, dropLayersFrom, rename, splitInto } from "./sanitize-rules.ts";

const ropeParameters = {
  full_attention: { partial_rotary_factor: 0.25, rope_theta: 1000000, rope_type: "proportional" },
  sliding_attention: { partial_rotary_factor: 1, rope_theta: 10000, rope_type: "default" },
};

const config = {
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
type Config = Infer<typeof config>;

/** The first layer that takes keys and values instead of making them. */
const firstShared = (c: Config): number => c.num_hidden_layers - c.num_kv_shared_layers;

const makeAttention = (c: Config, layer: number, slides: boolean): RememberingAttention => {
  const head_dim = slides ? c.head_dim : c.global_head_dim || c.head_dim;
  const valuesAreKeys = c.attention_k_eq_v && !slides;
  const globalHeads = valuesAreKeys ? c.num_global_key_value_heads : undefined;
  const rope = createLayerRope(c.rope_parameters[slides ? "sliding_attention" : "full_attention"], {
    dims: head_dim,
    traditional: c.rope_traditional,
    maxPositionEmbeddings: c.max_position_embeddings,
  });
  const sizes = { ...c, head_dim, num_key_value_heads: globalHeads ?? c.num_key_value_heads };
  return new RememberingAttention(sizes, { rope, valuesAreKeys, onlyShares: layer >= firstShared(c) });
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

const makeMlp = (c: Config, layer: number): GatedMLP => {
  const takesKeys = firstShared(c) > 0 && layer >= firstShared(c);
  const width = c.use_double_wide_mlp && takesKeys ? 2 : 1;
  return new GatedMLP(c.hidden_size, width * c.intermediate_size, { activation: geluApprox });
};

class Block extends Module {
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

  constructor(c: Config, layer: number, slides: boolean) {
    super();
    this.self_attn = makeAttention(c, layer, slides);
    this.mlp = makeMlp(c, layer);
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.pre_feedforward_layernorm = rmsNorm(c);
    this.post_feedforward_layernorm = rmsNorm(c);
    if (c.enable_moe_block) this.#addExperts(c);
    if (c.hidden_size_per_layer_input) this.#addOwnInput(c, c.hidden_size_per_layer_input);
    this.layer_scalar = mx.ones([1]);
  }

  #addExperts(c: Config): void {
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

  #addOwnInput(c: Config, dims: number): void {
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

class Gemma4Decoder extends BlockFrame<Block> {
  embed_tokens: Embedding;
  layers: Block[];
  norm: RMSNorm;
  declare embed_tokens_per_layer?: Embedding;
  declare per_layer_model_projection?: Linear;
  declare per_layer_projection_norm?: RMSNorm;
  readonly #c: Config;
  readonly #window: SlidingWindow;

  constructor(c: Config) {
    super();
    this.#c = c;
    this.#window = slidingWindow(c);
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = this.#window.layers.map((slides, i) => new Block(c, i, slides));
    this.norm = rmsNorm(c);
    const { hidden_size_per_layer_input: P } = c;
    if (!P) return;
    this.embed_tokens_per_layer = new Embedding(c.vocab_size_per_layer_input, c.num_hidden_layers * P);
    this.per_layer_model_projection = new Linear(c.hidden_size, c.num_hidden_layers * P, false);
    this.per_layer_projection_norm = new RMSNorm(P, c.rms_norm_eps);
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#c.hidden_size ** 0.5); // [B, L, E]
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return slidingMasks(this.#window, L, cache);
  }

  protected override get areInseparable(): boolean {
    return this.#c.num_kv_shared_layers > 0 || this.embed_tokens_per_layer !== undefined;
  }

  /** Layers without a cache read that of the last of their type. */
  protected override cacheOf(layer: number, cache?: readonly LayerCache[]): LayerCache | undefined {
    const own = this.#window.layers.slice(0, firstShared(this.#c));
    const source = layer < own.length ? layer : own.lastIndexOf(this.#window.layers[layer] === true);
    return source < 0 ? undefined : layerCache(cache, source);
  }

  protected override finish(h: MxArray, count: number, { maskOf, cache, own }: BlockInputs): MxArray {
    const last: { sliding?: Remembered; full?: Remembered } = {};
    let done = h;
    this.layers.slice(count).forEach((layer, behind) => {
      const i = count + behind;
      const type = this.#window.layers[i] === true ? "sliding" : "full";
      const input = own && mx.index(own, "...", i, [0, own.dim(-1)]); // [B, L, P]
      const earlier = i < firstShared(this.#c) ? undefined : last[type];
      [done, last[type]] = layer.forward(done, maskOf(i), layerCache(cache, i), earlier, input);
    });
    return done;
  }

  /** Of the token, and of the scaled embeddings `h`. */
  protected override layerInputs(tokens: MxArray, h: MxArray): MxArray | undefined {
    const { hidden_size_per_layer_input: P, num_hidden_layers: N } = this.#c;
    const { embed_tokens_per_layer, per_layer_model_projection, per_layer_projection_norm } = this;
    if (!P || !embed_tokens_per_layer || !per_layer_model_projection || !per_layer_projection_norm) return;
    const source = { embed_tokens_per_layer, per_layer_model_projection, per_layer_projection_norm };
    return layerInputs(source, tokens, h, [N, P]);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): RMSNorm {
    return this.norm;
  }

  /** Layers that take keys and values have no caches. */
  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window).slice(0, firstShared(this.#c));
  }
}

class Gemma4Model extends GatedCausalLM<Gemma4Decoder> {
  readonly #cap: number | undefined;

  constructor(c: Config) {
    super(c, new Gemma4Decoder(c), "router.proj");
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h); // [B, L, V]
    return this.#cap === undefined ? logits : mx.fast.softcap(logits, this.#cap);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new Gemma4Model(c),
  sanitize: [
    drop(/self_attn\.rotary_emb|(input|output)_(max|min)/),
    dropLayersFrom<Config>(firstShared, /layers\.(?<layer>\d+)\.self_attn\.(k_proj|v_proj|k_norm)/),
    splitInto(
      /experts\.gate_up_proj$/,
      ["gate", "up"].map((part) => `experts.switch_glu.${part}_proj.weight`),
      {
        axis: -2,
      },
    ),
    rename(/experts\.down_proj$/, "experts.switch_glu.down_proj.weight"),
  ],
});
