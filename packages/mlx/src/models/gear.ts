/** Gear: Gemma 3's blocks, with convolutions of keys and values instead of attention in some. @see mlx-lm 0.32.2 models/gear.py */
import { attention, softCappedAttention } from "../blocks/attention.ts";
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import { CausalLM, Decoder } from "../blocks/causal-lm.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import { offsetRmsNorm } from "../blocks/norm.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { createRope } from "../blocks/rope.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { ArraysCache, KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { gelu, geluApprox, Linear, Module, OffsetRMSNorm, silu } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropTiedHead } from "./common-rules.ts";
import { bool, type Infer, int, list, number, oneOf, record } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { drop, map } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

const activations = {
  gelu_pytorch_tanh: geluApprox,
  gelu_new: geluApprox,
  gelu_fast: geluApprox,
  gelu,
  silu,
  swish: silu,
};

const config = {
  vocab_size: int.required(),
  hidden_size: int.required(),
  intermediate_size: int.required(),
  num_hidden_layers: int.required(),
  num_attention_heads: int.required(),
  num_key_value_heads: int.optional(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  layer_types: list(oneOf("full_attention", "sliding_attention", "conv_mixer").required()).optional(),
  max_position_embeddings: int.optional(),
  hidden_activation: oneOf("gelu_pytorch_tanh", "gelu_new", "gelu_fast", "gelu", "silu", "swish").default(
    "gelu_pytorch_tanh",
  ),
  attention_bias: bool.default(false),
  query_pre_attn_scalar: number.optional(), // head_dim
  sliding_window: int.default(512),
  conv_L_cache: int.default(3),
  rope_theta: number.default(1000000),
  rope_local_base_freq: number.default(10000),
  rope_scaling: record.optional(),
  tie_word_embeddings: bool.default(true),
  final_logit_softcapping: number.optional(),
  attn_logit_softcapping: number.optional(),
  use_bidirectional_attention: oneOf(false).optional(),
};
type Config = Infer<typeof config>;

const headNorm = (c: Config): OffsetRMSNorm => new OffsetRMSNorm(c.head_dim, c.rms_norm_eps);

const makeRope = (c: Config, isSliding: boolean) =>
  createRope({
    dims: c.head_dim,
    base: isSliding ? c.rope_local_base_freq : c.rope_theta,
    scaling: isSliding ? undefined : c.rope_scaling,
    maxPositionEmbeddings: c.max_position_embeddings,
  });

class Attention extends SelfAttention {
  q_norm: OffsetRMSNorm;
  k_norm: OffsetRMSNorm;
  readonly #cap: number | undefined;

  constructor(c: Config, isSliding: boolean) {
    const scale = (c.query_pre_attn_scalar ?? c.head_dim) ** -0.5;
    super(c, { rope: makeRope(c, isSliding), scale, bias: c.attention_bias });
    this.q_norm = headNorm(c);
    this.k_norm = headNorm(c);
    this.#cap = c.attn_logit_softcapping;
  }

  protected override queries(x: MxArray, B: number, L: number): MxArray {
    return this.q_norm.forward(super.queries(x, B, L)); // [B, L, H, D]
  }

  protected override keys(x: MxArray, B: number, L: number): MxArray {
    return this.k_norm.forward(super.keys(x, B, L)); // [B, L, K, D]
  }

  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    const options = { scale: this.scale, mask };
    return this.#cap
      ? softCappedAttention(q, k, v, { ...options, cap: this.#cap })
      : attention(q, k, v, options);
  }
}

/** Values as far as queries and convolved keys agree, feature by feature. */
class ConvMixer extends Module {
  q_proj: Linear;
  k_proj: Linear;
  v_proj: Linear;
  o_proj: Linear;
  key_conv: CausalConv1d;
  value_conv: CausalConv1d;
  q_norm: OffsetRMSNorm;
  k_norm: OffsetRMSNorm;
  readonly #H: number;
  readonly #K: number;

  constructor(c: Config) {
    super();
    const { hidden_size: E, num_attention_heads: H, num_key_value_heads: K = H, head_dim: D } = c;
    const { attention_bias: bias, conv_L_cache } = c;
    this.q_proj = new Linear(E, H * D, bias);
    this.k_proj = new Linear(E, K * D, bias);
    this.v_proj = new Linear(E, K * D, bias);
    this.o_proj = new Linear(H * D, E, bias);
    this.key_conv = new CausalConv1d(K * D, conv_L_cache, bias);
    this.value_conv = new CausalConv1d(K * D, conv_L_cache, bias);
    this.q_norm = headNorm(c);
    this.k_norm = headNorm(c);
    [this.#H, this.#K] = [H, K];
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const [B = 1, L = 1] = x.shape;
    const [H, K] = [this.#H, this.#K];
    const inputs = hidePadding(x, mask); // [B, L, E]
    const normed = (part: MxArray, norm: OffsetRMSNorm, count: number) =>
      mx.reshape(norm.forward(mx.reshape(part, [B, L, count, -1])), [B, L, -1]);
    const perHead = (part: MxArray) =>
      mx.reshape(mx.repeat(mx.reshape(part, [B, L, K, -1]), H / K, 2), [B, L, -1]); // [B, L, H * D]
    const query = normed(this.q_proj.forward(inputs), this.q_norm, H); // [B, L, H * D]
    const key = normed(this.k_proj.forward(inputs), this.k_norm, K); // [B, L, K * D]
    const keys = perHead(this.key_conv.continue(key, mask, arrays, 0));
    const values = perHead(this.value_conv.continue(this.v_proj.forward(inputs), mask, arrays, 1));
    arrays.advance(L);
    return this.o_proj.forward(mx.multiply(mx.sigmoid(mx.multiply(query, keys)), values)); // [B, L, E]
  }
}

class Block extends Module {
  declare self_attn?: Attention;
  declare local_mixer?: ConvMixer;
  mlp: GatedMLP;
  input_layernorm: OffsetRMSNorm;
  post_attention_layernorm: OffsetRMSNorm;
  pre_feedforward_layernorm: OffsetRMSNorm;
  post_feedforward_layernorm: OffsetRMSNorm;
  readonly #mixer: Mixer;

  constructor(c: Config, kind: string) {
    super();
    if (kind === "conv_mixer") this.#mixer = this.local_mixer = new ConvMixer(c);
    else this.#mixer = this.self_attn = new Attention(c, kind === "sliding_attention");
    const activation = activations[c.hidden_activation];
    this.mlp = new GatedMLP(c.hidden_size, c.intermediate_size, { activation });
    this.input_layernorm = offsetRmsNorm(c);
    this.post_attention_layernorm = offsetRmsNorm(c);
    this.pre_feedforward_layernorm = offsetRmsNorm(c);
    this.post_feedforward_layernorm = offsetRmsNorm(c);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const mixed = this.#mixer.forward(this.input_layernorm.forward(x), mask, cache); // [B, L, E]
    const h = mx.add(x, this.post_attention_layernorm.forward(mixed));
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h)); // [B, L, E]
    return mx.add(h, this.post_feedforward_layernorm.forward(fed));
  }
}

const kindsOf = (c: Config): readonly string[] => {
  const kinds = c.layer_types ?? Array<string>(c.num_hidden_layers).fill("full_attention");
  if (kinds.length !== c.num_hidden_layers) {
    throw new ConfigError(
      `config.json: layer_types has ${kinds.length} entries for ${c.num_hidden_layers} layers`,
    );
  }
  return kinds;
};

class GearDecoder extends Decoder<Block> {
  readonly #kinds: readonly string[];
  readonly #window: number;
  readonly #scale: number;

  constructor(c: Config) {
    const kinds = kindsOf(c);
    super(c, (layer) => new Block(c, kinds[layer] ?? ""), offsetRmsNorm(c));
    this.#kinds = kinds;
    this.#window = c.sliding_window;
    this.#scale = Math.sqrt(c.hidden_size);
  }

  /** Given embeddings are scaled already. */
  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return embeddings ?? super.inputs(tokens).multiply(this.#scale);
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const first = (kind: string) => layerCache(cache, this.#kinds.indexOf(kind));
    const masks: Readonly<Record<string, Mask>> = {
      full_attention: first("full_attention").makeMask(L),
      sliding_attention: first("sliding_attention").makeMask(L, { window: this.#window }),
      conv_mixer: first("conv_mixer").arrays.makeMask(L),
    };
    return (layer) => masks[this.#kinds[layer] ?? ""];
  }

  override makeCache(): LayerCache[] {
    return this.#kinds.map((kind) => {
      if (kind === "conv_mixer") return new ArraysCache(2);
      return kind === "sliding_attention" ? new RotatingKVCache(this.#window) : new KVCache();
    });
  }
}

class GearModel extends CausalLM<GearDecoder> {
  readonly #cap: number | undefined;

  constructor(c: Config) {
    super(c, new GearDecoder(c));
    this.#cap = c.final_logit_softcapping;
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h);
    return this.#cap ? mx.tanh(logits.divide(this.#cap)).multiply(this.#cap) : logits;
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new GearModel(c),
  sanitize: [
    drop(/rotary_emb\.inv_freq|embed_scale$/),
    dropTiedHead,
    map(/(key|value)_conv\.weight$/, [transposed(0, 2, 1)], (shape) => shape.length === 3 && shape[1] === 1),
  ],
});
