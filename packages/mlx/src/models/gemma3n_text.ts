/** Gemma 3n's language model: Gemma 3 with several residual streams, low-rank residuals, inputs per layer, sparse MLPs; last layers share keys. @see mlx-lm 0.32.2 models/gemma3n.py */
import { AltUp, gatherStreams, spreadStream } from "../blocks/alt-up.ts";
import { HeadedLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { Laurel } from "../blocks/laurel.ts";
import { admittedInput, layerInputs } from "../blocks/layer-inputs.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { type Remembered, RememberingAttention } from "../blocks/remembering-attention.ts";
import { createRope } from "../blocks/rope.ts";
import { type SlidingWindow, slidingCaches, slidingMasks, slidingWindow } from "../blocks/sliding-decoder.ts";
import { ThinnedMLP } from "../blocks/thinned-mlp.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, Linear, Module, RMSNorm } from "../nn/index.ts";
import { defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, list, number, ofLayer, oneOf, oneOrList, record } from "./config.ts";
import { type ForwardOptions, layerCache } from "./language-model.ts";

export const config = {
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
export type Config = Infer<typeof config>;

const makeAttention = (c: Config, layer: number): RememberingAttention => {
  const slides = c.layer_types[layer] === "sliding_attention";
  const rope = createRope({ dims: c.head_dim, base: slides ? c.rope_local_base_freq : c.rope_theta });
  return new RememberingAttention(c, { rope });
};

class Block extends Module {
  self_attn: RememberingAttention;
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
    this.self_attn = makeAttention(c, layer);
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
    const h = mx.add(attended, this.laurel.forward(normed)).multiply(2 ** -0.5);
    const fed = this.mlp.forward(this.pre_feedforward_layernorm.forward(h));
    const activated = mx.add(h, this.post_feedforward_layernorm.forward(fed));
    return this.#tell(this.altup.correct(predictions, activated), input);
  }

  /** All streams but the first learn of the layer's input. */
  #tell(streams: MxArray, input: MxArray): MxArray {
    const active = this.altup.active(streams); // [B, L, E]
    const first = this.#scales ? mx.multiply(active, this.altup.correct_output_scale) : active;
    const [kept = streams, others = streams] = mx.split(streams, [1], 0);
    return mx.concatenate([kept, mx.add(others, admittedInput(this, first, input))], 0);
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

export class Gemma3nDecoder extends Module implements DecoderBody {
  embed_tokens: Embedding;
  layers: Block[];
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

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    const x = embeddings ?? this.embed_tokens.forward(tokens).multiply(this.#c.hidden_size ** 0.5); // [B, L, E]
    const inputs = this.#layerInputs(tokens, x); // [B, L, layers, P]
    const maskOf = slidingMasks(this.#window, x.dim(1), cache);
    const memories: Remembered[] = [];
    let streams = spreadStream(x, this.altup_projections); // [N, B, L, E]
    this.layers.forEach((layer, i) => {
      const { self_attn } = layer;
      const attend = (normed: MxArray): MxArray => {
        const memory = memories[this.#owners[i] ?? i] ?? self_attn.remember(normed, layerCache(cache, i));
        memories[i] = memory;
        return self_attn.forward(normed, memory, maskOf(i));
      };
      streams = layer.forward(streams, mx.index(inputs, "...", i, [0, null]), attend);
    });
    return this.norm.forward(gatherStreams(streams, this.altup_unembed_projections));
  }

  /** What each layer is told about each token: `[B, L, layers, P]`. */
  #layerInputs(tokens: MxArray, x: MxArray): MxArray {
    const { num_hidden_layers: N, hidden_size_per_layer_input: P, vocab_size_per_layer_input: V } = this.#c;
    const known = mx.where(mx.less(tokens, V), tokens, mx.zerosLike(tokens));
    return layerInputs(this, known, x, [N, P]);
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  /** Layers that share have none. */
  makeCache(): LayerCache[] {
    return slidingCaches(this.#window).filter((_, i) => this.#owners[i] === i);
  }
}

/** An output layer that is tied to the embedding, with a cap on its logits. */
export abstract class Gemma3nHead extends HeadedLM<Gemma3nDecoder> {
  readonly #cap: number | undefined;
  readonly #scale: number;

  constructor(c: Config) {
    super();
    this.#cap = c.final_logit_softcapping;
    this.#scale = c.hidden_size ** 0.5;
  }

  /** Scaled, as the decoder scales what it looks up itself. */
  override embed(tokens: MxArray): MxArray {
    return super.embed(tokens).multiply(this.#scale);
  }

  protected override logits(h: MxArray): MxArray {
    const logits = super.logits(h); // [B, L, V]
    return this.#cap === undefined ? logits : mx.fast.softcap(logits, this.#cap);
  }
}

class Gemma3nText extends Gemma3nHead {
  model: Gemma3nDecoder;

  constructor(c: Config) {
    super(c);
    this.model = new Gemma3nDecoder(c);
  }

  protected get body(): Gemma3nDecoder {
    return this.model;
  }
}

export const architecture = defineArchitecture({ config, create: (c) => new Gemma3nText(c) });
