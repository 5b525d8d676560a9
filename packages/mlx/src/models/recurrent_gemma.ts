/** Recurrent Gemma (Griffin): gated linear recurrences, and attention in a window. @see mlx-lm 0.32.2 models/recurrent_gemma.py */
import { CausalConv1d, hidePadding } from "../blocks/causal-conv.ts";
import { DecoderFrame } from "../blocks/decoder-frame.ts";
import { GatedMLP } from "../blocks/gated-mlp.ts";
import type { Mask } from "../blocks/mask.ts";
import type { Mixer } from "../blocks/pre-norm-block.ts";
import { SelfAttention } from "../blocks/self-attention.ts";
import { SelfTyingLM } from "../blocks/self-tying-lm.ts";
import { ArraysCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, geluApprox, Linear, Module, OffsetRMSNorm, RoPE, softplus } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, oneOf, string } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { map } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

const kind = oneOf("recurrent", "attention").required();

const config = {
  attention_bias: bool.required(),
  conv1d_width: int.required(), // always 4
  hidden_size: int.required(),
  intermediate_size: int.required(),
  logits_soft_cap: number.required(),
  num_attention_heads: int.required(),
  num_hidden_layers: int.required(),
  num_key_value_heads: int.required(), // always one
  rms_norm_eps: number.required(), // of the last norm alone
  rope_theta: number.required(), // always 10000
  attention_window_size: int.required(),
  vocab_size: int.required(),
  embeddings_scale_by_sqrt_dim: bool.default(true),
  block_types: list(kind).optional(),
  _block_types: list(kind).optional(),
  final_w_init_variance_scale: number.optional(),
  head_dim: int.optional(),
  hidden_activation: string.optional(),
  lru_width: int.optional(), // always hidden_size
  partial_rotary_factor: number.optional(), // always half
  tie_word_embeddings: bool.optional(), // the weights say it
  w_init_variance_scale: number.optional(),
};
type Config = Infer<typeof config>;

/** The state after each position, `[B, F]`: `fading * state + entering`. */
const accumulate = (entering: MxArray, fading: MxArray, previous: MxArray | undefined): MxArray[] => {
  let state = previous;
  return Array.from({ length: entering.dim(1) }, (_, t) => {
    const added = mx.index(entering, [], t);
    state = state === undefined ? added : mx.add(mx.multiply(mx.index(fading, [], t), state), added);
    return state;
  });
};

/** Bool `[B or 1, L, 1]`: the first position of each row that has none behind it, whose state is still zero. */
const firstPositions = (L: number, mask: Mask, state: MxArray | undefined): MxArray => {
  const isCounted = mask === undefined || mask === "causal" ? mx.ones([1, L], mx.bool_) : mask;
  const isFirst = mx.logicalAnd(isCounted, mx.equal(mx.cumsum(isCounted.astype(mx.int32), 1), 1)); // [B or 1, L]
  if (state === undefined) return mx.expandDims(isFirst, -1);
  const isFresh = mx.equal(mx.max(mx.abs(state), -1, true), 0); // [B, 1]
  return mx.expandDims(mx.logicalAnd(isFirst, isFresh), -1);
};

/** A linear recurrence per feature, whose gates see the features of a head. @see https://arxiv.org/abs/2402.19427 */
class LinearRecurrentUnit extends Module {
  recurrent_param: MxArray;
  input_gate_weight: MxArray;
  input_gate_bias: MxArray;
  recurrent_gate_weight: MxArray;
  recurrent_gate_bias: MxArray;

  constructor(width: number, heads: number) {
    super();
    const D = width / heads;
    this.recurrent_param = mx.zeros([width]);
    this.input_gate_weight = mx.zeros([heads, D, D]);
    this.input_gate_bias = mx.zeros([heads, D]);
    this.recurrent_gate_weight = mx.zeros([heads, D, D]);
    this.recurrent_gate_bias = mx.zeros([heads, D]);
  }

  /** x `[B, L, F]` through the state `[B, F]`. */
  scan(x: MxArray, mask: Mask, previous: MxArray | undefined): [y: MxArray, state: MxArray] {
    const inputGate = this.#gate(x, this.input_gate_weight, this.input_gate_bias);
    const recurrentGate = this.#gate(x, this.recurrent_gate_weight, this.recurrent_gate_bias);
    const speed = mx.multiply(recurrentGate.multiply(-8), softplus(this.recurrent_param));
    const logDecay = hidePadding(speed, mask); // [B, L, F]
    const isFirst = firstPositions(x.dim(1), mask, previous);
    const share = mx.where(isFirst, 1, mx.sqrt(mx.subtract(1, mx.exp(logDecay.multiply(2)))));
    const entering = mx.multiply(mx.multiply(x, inputGate), share.astype(x.dtype));
    const states = accumulate(hidePadding(entering, mask), mx.exp(logDecay), previous);
    return [mx.stack(states, 1), states.at(-1) ?? x];
  }

  #gate(x: MxArray, weight: MxArray, bias: MxArray): MxArray {
    const heads = mx.swapaxes(mx.unflatten(x, -1, [weight.dim(0), -1]), 1, 2); // [B, H, L, D]
    const projected = mx.add(mx.swapaxes(mx.matmul(heads, weight), 1, 2), bias); // [B, L, H, D]
    return mx.sigmoid(mx.flatten(projected, 2, 3));
  }
}

class RecurrentBlock extends Module {
  linear_y: Linear;
  linear_x: Linear;
  linear_out: Linear;
  conv_1d: CausalConv1d;
  rg_lru: LinearRecurrentUnit;

  constructor({ hidden_size: E, num_attention_heads }: Config) {
    super();
    this.linear_y = new Linear(E, E);
    this.linear_x = new Linear(E, E);
    this.linear_out = new Linear(E, E);
    this.conv_1d = new CausalConv1d(E, 4, true);
    this.rg_lru = new LinearRecurrentUnit(E, num_attention_heads);
  }

  forward(x: MxArray, mask: Mask, { arrays }: LayerCache): MxArray {
    const gate = geluApprox(this.linear_y.forward(x)); // [B, L, E]
    const mixed = this.conv_1d.continue(this.linear_x.forward(x), mask, arrays); // [B, L, E]
    const [y, state] = this.rg_lru.scan(mixed, mask, arrays.get(1));
    arrays.set(1, state);
    arrays.advance(x.dim(1));
    return this.linear_out.forward(mx.multiply(y, gate));
  }
}

const makeAttention = (c: Config): SelfAttention => {
  const D = Math.floor(c.hidden_size / c.num_attention_heads);
  const heads = { ...c, num_key_value_heads: 1, head_dim: D };
  return new SelfAttention(heads, { rope: new RoPE(Math.floor(D / 2)), outputBias: true });
};

class Block extends Module {
  temporal_pre_norm: OffsetRMSNorm;
  temporal_block: Mixer;
  channel_pre_norm: OffsetRMSNorm;
  mlp_block: GatedMLP;

  constructor(c: Config, isRecurrent: boolean) {
    super();
    const E = c.hidden_size;
    const options = { bias: true, activation: geluApprox };
    this.temporal_pre_norm = new OffsetRMSNorm(E, 1e-5);
    this.temporal_block = isRecurrent ? new RecurrentBlock(c) : makeAttention(c);
    this.channel_pre_norm = new OffsetRMSNorm(E, 1e-5);
    this.mlp_block = new GatedMLP(E, Math.floor(c.intermediate_size / 2), options);
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const h = mx.add(x, this.temporal_block.forward(this.temporal_pre_norm.forward(x), mask, cache)); // [B, L, E]
    return mx.add(h, this.mlp_block.forward(this.channel_pre_norm.forward(h))); // [B, L, E]
  }
}

class Griffin extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Block[];
  final_norm: OffsetRMSNorm;
  readonly #scale: number;
  readonly #window: number;
  readonly #isRecurrent: readonly boolean[];

  constructor(c: Config) {
    super();
    const kinds = c.block_types ?? c._block_types;
    if (kinds === undefined) throw new ConfigError("config.json: the key block_types is missing");
    this.#isRecurrent = Array.from(
      { length: c.num_hidden_layers },
      (_, i) => kinds[i % kinds.length] === "recurrent",
    );
    this.#scale = c.embeddings_scale_by_sqrt_dim ? Math.sqrt(c.hidden_size) : 1;
    this.#window = c.attention_window_size;
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = this.#isRecurrent.map((isRecurrent) => new Block(c, isRecurrent));
    this.final_norm = new OffsetRMSNorm(c.hidden_size, c.rms_norm_eps);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): OffsetRMSNorm {
    return this.final_norm;
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#scale);
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const attending = layerCache(cache, this.#isRecurrent.indexOf(false));
    const mask = attending.makeMask(L, { window: this.#window });
    const padding = layerCache(cache, this.#isRecurrent.indexOf(true)).arrays.makeMask(L);
    return (layer) => (this.#isRecurrent[layer] === true ? padding : mask);
  }

  override makeCache(): LayerCache[] {
    return this.#isRecurrent.map((recurs) =>
      recurs ? new ArraysCache(2) : new RotatingKVCache(this.#window),
    );
  }
}

class RecurrentGemmaModel extends SelfTyingLM<Griffin> {
  readonly #cap: number;

  constructor(c: Config) {
    super(c, new Griffin(c));
    this.#cap = c.logits_soft_cap;
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h);
    return this.#cap === 0 ? logits : mx.tanh(logits.divide(this.#cap)).multiply(this.#cap);
  }
}

export const architecture = defineArchitecture({
  config,
  create: (c) => new RecurrentGemmaModel(c),
  sanitize: [map(/conv_1d\.weight/, [transposed(0, 2, 1)], (shape) => shape.at(-1) !== 1)],
});
