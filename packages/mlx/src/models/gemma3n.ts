/** Gemma 3 with several residual streams, low-rank residuals, inputs per layer, sparse MLPs; last layers share keys. @see mlx-lm 0.32.2 models/gemma3n.py */
import { AltUp } from "../blocks/alt-up.ts";
import { attention, mergeHeads } from "../blocks/attention.ts";
import { Laurel } from "../blocks/laurel.ts";
import type { Mask } from "../blocks/mask.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { NormedAttention } from "../blocks/normed-attention.ts";
import { heldOffset } from "../blocks/positions.ts";
import { createRope } from "../blocks/rope.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import { ThinnedMLP } from "../blocks/thinned-mlp.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { BareRMSNorm, Embedding, geluApprox, Linear, Module, RMSNorm } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import {
  bool,
  type Infer,
  int,
  list,
  number,
  ofLayer,
  oneOf,
  oneOrList,
  parseConfig,
  record,
} from "./config.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "./language-model.ts";
import { drop } from "./sanitize.ts";

const config = {
  hidden_size: int.required(),
  num_hidden_layers: int.required(),
  /** One for all layers, or one per layer. */
  intermediate_size: oneOrList(int.required()).required(),
  num_attention_heads: int.required(),
  head_dim: int.required(),
  rms_norm_eps: number.required(),
  vocab_size: int.required(),
  num_key_value_heads: int.required(),
  num_kv_shared_layers: int.required(),
  vocab_size_per_layer_input: int.required(),
  sliding_window: int.required(),
  max_position_embeddings: int.required(),
  rope_local_base_freq: number.required(),
  rope_theta: number.required(),
  rope_scaling: record.optional(), // mlx-lm scales nothing
  final_logit_softcapping: number.optional(),
  layer_types: list(oneOf("full_attention", "sliding_attention").required()).required(),
  activation_sparsity_pattern: list(number.required()).optional(),
  hidden_size_per_layer_input: int.required(),
  altup_num_inputs: int.required(),
  altup_coef_clip: number.optional(),
  altup_correct_scale: bool.required(),
  altup_active_idx: int.required(),
  altup_lr_multiplier: number.optional(), // training only
  laurel_rank: int.required(),
  attention_bias: oneOf(false).optional(),
  hidden_activation: oneOf("gelu_pytorch_tanh").optional(),
};
type Config = Infer<typeof config>;

/** Keys and values of all positions so far, `[B, K, S, D]`. */
type Memory = readonly [keys: MxArray, values: MxArray];

const HALF_ROOT = 2 ** -0.5;

/** Attention with norms on values too; a layer that shares looks into the memory of another. */
class Attention extends NormedAttention {
  readonly #valueNorm: BareRMSNorm;

  constructor(c: Config, slides: boolean) {
    const rope = createRope({ dims: c.head_dim, base: slides ? c.rope_local_base_freq : c.rope_theta });
    super(c, { rope, scale: 1 });
    this.#valueNorm = new BareRMSNorm(c.rms_norm_eps);
  }

  protected override values(x: MxArray, B: number, L: number): MxArray {
    return this.#valueNorm.forward(super.values(x, B, L)); // [B, L, K, D]
  }

  /** `[B, L, E]` to the same, and the memory that was looked at. */
  remember(x: MxArray, mask: Mask, cache: LayerCache): [out: MxArray, memory: Memory] {
    const [B = 1, L = 1] = x.shape;
    const swapped = (heads: MxArray) => mx.transpose(heads, [0, 2, 1, 3]); // [B, H, L, D]
    const [q, k] = this.turn(swapped(this.queries(x, B, L)), swapped(this.keys(x, B, L)), cache.offset);
    const memory = cache.updateAndFetch(k, swapped(this.values(x, B, L)));
    return [this.#answer(q, memory, mask), memory];
  }

  /** @param offset - position of the first of `x`, which the owner of the memory is past already */
  share(x: MxArray, mask: Mask, memory: Memory, offset: LayerCache["offset"]): MxArray {
    const [B = 1, L = 1] = x.shape;
    const q = mx.transpose(this.queries(x, B, L), [0, 2, 1, 3]); // [B, H, L, D]
    return this.#answer(this.turn(q, q, offset)[0], memory, mask);
  }

  #answer(q: MxArray, [keys, values]: Memory, mask: Mask): MxArray {
    const found = attention(q, keys, values, { scale: this.scale, mask }); // [B, H, L, D]
    return this.o_proj.forward(mergeHeads(found, q.dim(0), q.dim(2))); // [B, L, E]
  }
}

class Block extends Module {
  self_attn: Attention;
  mlp: ThinnedMLP;
  input_layernorm: RMSNorm;
  post_attention_layernorm: RMSNorm;
  pre_feedforward_layernorm: RMSNorm;
  post_feedforward_layernorm: RMSNorm;
  altup: AltUp;
  laurel: Laurel;
  per_layer_input_gate: Linear;
  per_layer_projection: Linear;
  post_per_layer_input_norm: RMSNorm;
  readonly #scales: boolean;

  constructor(c: Config, layer: number) {
    super();
    this.self_attn = new Attention(c, c.layer_types[layer] === "sliding_attention");
    this.mlp = new ThinnedMLP(c.hidden_size, ofLayer(c.intermediate_size, layer), {
      sparsity: c.activation_sparsity_pattern?.[layer] ?? 0,
    });
    this.input_layernorm = rmsNorm(c);
    this.post_attention_layernorm = rmsNorm(c);
    this.pre_feedforward_layernorm = rmsNorm(c);
    this.post_feedforward_layernorm = rmsNorm(c);
    this.altup = new AltUp(c);
    this.laurel = new Laurel(c.hidden_size, c.laurel_rank, c.rms_norm_eps);
    this.per_layer_input_gate = new Linear(c.hidden_size, c.hidden_size_per_layer_input, false);
    this.per_layer_projection = new Linear(c.hidden_size_per_layer_input, c.hidden_size, false);
    this.post_per_layer_input_norm = rmsNorm(c);
    this.#scales = c.altup_correct_scale;
  }

  /**
   * @param streams - `[N, B, L, E]`
   * @param input - what this layer is told about each token, `[B, L, P]`
   * @param attend - what attention makes of `[B, L, E]`
   */
  forward(streams: MxArray, input: MxArray, attend: (x: MxArray) => MxArray): MxArray {
    const predictions = this.altup.predict(streams);
    const x = this.altup.active(predictions); // [B, L, E]
    const normed = this.input_layernorm.forward(x);
    const attended = mx.add(x, this.post_attention_layernorm.forward(attend(normed)));
    const h = mx.add(attended, this.laurel.forward(normed)).multiply(HALF_ROOT);
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h));
    const activated = mx.add(h, this.post_feedforward_layernorm.forward(fed));
    return this.#tell(this.altup.correct(predictions, activated), input);
  }

  /** All streams but the first learn of the layer's input. */
  #tell(streams: MxArray, input: MxArray): MxArray {
    const active = this.altup.active(streams); // [B, L, E]
    const first = this.#scales ? mx.multiply(active, this.altup.correct_output_scale) : active;
    const gate = geluApprox(this.per_layer_input_gate.forward(first)); // [B, L, P]
    const told = this.per_layer_projection.forward(mx.multiply(gate, input)); // [B, L, E]
    const [kept = streams, others = streams] = mx.split(streams, [1], 0);
    return mx.concatenate([kept, mx.add(others, this.post_per_layer_input_norm.forward(told))], 0);
  }
}

/** Which layer's memory each layer looks into: its own, or that of the last one of its kind that has one. */
const memoryOwners = ({ layer_types, num_hidden_layers, num_kv_shared_layers }: Config): number[] => {
  const owners = num_hidden_layers - num_kv_shared_layers;
  const concrete = layer_types.slice(0, owners);
  return layer_types.map((kind, i) => {
    const owner = i < owners ? i : concrete.lastIndexOf(kind);
    if (owner < 0)
      throw new ConfigError(`config.json: no layer has keys that ${kind} layer ${i} could share`);
    return owner;
  });
};

const magnitude = (x: MxArray): MxArray => mx.power(mx.mean(mx.square(x), -1, true), 0.5);

class Gemma3nDecoder extends LanguageModel {
  embed_tokens: Embedding;
  readonly layers: Block[];
  embed_tokens_per_layer: Embedding;
  per_layer_model_projection: Linear;
  per_layer_projection_norm: RMSNorm;
  altup_projections: Linear[];
  altup_unembed_projections: Linear[];
  norm: RMSNorm;
  readonly #c: Config;
  readonly #window: SlidingWindow;
  readonly #owners: readonly number[];

  constructor(c: Config) {
    super();
    const [E, N, P] = [c.hidden_size, c.altup_num_inputs, c.hidden_size_per_layer_input];
    const square = () => Array.from({ length: N - 1 }, () => new Linear(E, E, false));
    this.embed_tokens = new Embedding(c.vocab_size, E);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => new Block(c, i));
    this.embed_tokens_per_layer = new Embedding(c.vocab_size_per_layer_input, c.num_hidden_layers * P);
    this.per_layer_model_projection = new Linear(E, c.num_hidden_layers * P, false);
    this.per_layer_projection_norm = new RMSNorm(P, c.rms_norm_eps);
    this.altup_projections = square();
    this.altup_unembed_projections = square();
    this.norm = rmsNorm(c);
    this.#c = c;
    this.#window = slidingWindow({ ...c, sliding_window_pattern: 1 });
    this.#owners = memoryOwners(c);
  }

  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const x = embeddings ?? this.embed_tokens.forward(tokens).multiply(this.#c.hidden_size ** 0.5); // [B, L, E]
    const inputs = this.#layerInputs(tokens, x); // [B, L, layers, P]
    const maskOf = slidingMasks(this.#window, x.dim(1), cache);
    const offset = heldOffset(layerCache(cache, 0).offset);
    const memories: Memory[] = [];
    let streams = this.#spread(x); // [N, B, L, E]
    this.layers.forEach((layer, i) => {
      const shared = memories[this.#owners[i] ?? i];
      const attend = (normed: MxArray): MxArray => {
        if (shared !== undefined) return layer.self_attn.share(normed, maskOf(i), shared, offset);
        const [out, memory] = layer.self_attn.remember(normed, maskOf(i), layerCache(cache, i));
        memories[i] = memory;
        return out;
      };
      streams = layer.forward(streams, mx.index(inputs, "...", i, [0, null]), attend);
    });
    return this.#logits(this.norm.forward(this.#gather(streams)));
  }

  /** What each layer is told about each token: an embedding of its own, and a projection of the common one. */
  #layerInputs(tokens: MxArray, x: MxArray): MxArray {
    const {
      num_hidden_layers,
      hidden_size_per_layer_input: P,
      vocab_size_per_layer_input,
      hidden_size,
    } = this.#c;
    const shape = [...tokens.shape, num_hidden_layers, P];
    const known = mx.where(mx.less(tokens, vocab_size_per_layer_input), tokens, mx.zerosLike(tokens));
    const own = mx.reshape(this.embed_tokens_per_layer.forward(known).multiply(P ** 0.5), shape);
    const projected = this.per_layer_model_projection.forward(x).multiply(hidden_size ** -0.5);
    const normed = this.per_layer_projection_norm.forward(mx.reshape(projected, shape));
    return mx.add(normed, own).multiply(HALF_ROOT);
  }

  /** One stream to all, of equal magnitude: `[B, L, E] -> [N, B, L, E]`. */
  #spread(x: MxArray): MxArray {
    const others = mx.stack(
      this.altup_projections.map((layer) => layer.forward(x)),
      0,
    );
    return this.#level(x, others);
  }

  /** All streams to one, of equal magnitude: `[N, B, L, E] -> [B, L, E]`. */
  #gather(streams: MxArray): MxArray {
    const first = mx.index(streams, 0);
    const others = this.altup_unembed_projections.map((layer, i) => layer.forward(mx.index(streams, i + 1)));
    return mx.mean(this.#level(first, mx.stack(others, 0)), 0);
  }

  #level(first: MxArray, others: MxArray): MxArray {
    const levelled = mx.multiply(others, mx.divide(magnitude(first), magnitude(others)));
    return mx.concatenate([mx.expandDims(first, 0), levelled], 0);
  }

  #logits(h: MxArray): MxArray {
    const logits = this.embed_tokens.asLinear(h); // [B, L, V]
    const cap = this.#c.final_logit_softcapping;
    return cap === undefined ? logits : mx.fast.softcap(logits, cap);
  }

  /** Layers that share have none. */
  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window).filter((_, i) => this.#owners[i] === i);
  }
}

/** Checkpoints have the language model two levels down, at `model.language_model`. */
class Inner extends Module {
  language_model: Gemma3nDecoder;

  constructor(c: Config) {
    super();
    this.language_model = new Gemma3nDecoder(c);
  }
}

class Gemma3nModel extends LanguageModel {
  model: Inner;

  constructor(c: Config) {
    super();
    this.model = new Inner(c);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.model.language_model.forward(tokens, options);
  }

  get layers(): readonly Block[] {
    return this.model.language_model.layers;
  }

  override makeCache(): LayerCache[] {
    return this.model.language_model.makeCache();
  }
}

const text = defineArchitecture({
  config,
  create: (c) => new Gemma3nModel(c),
  sanitize: [drop(/^model\.(vision_tower|audio_tower|embed_audio|embed_vision)\./), drop(/^lm_head\./)],
});

/** The settings of the language model are under `text_config`. */
export const architecture: Architecture = {
  bind: (raw) => text.bind(parseConfig({ text_config: record.required() }, raw).config.text_config),
};
