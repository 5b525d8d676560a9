/** The frame that most decoders share: embedding, blocks, norm, output layer. */
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type ForwardOptions, LanguageModel } from "../models/language-model.ts";
import { Embedding, Linear, type Module } from "../nn/index.ts";
import { type DecoderBlock, type DecoderBody, DecoderFrame } from "./decoder-frame.ts";
import type { Norm } from "./norm.ts";

/** Keys of a config that `Decoder` reads. */
export interface DecoderConfig {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly vocab_size: number;
}

/** Keys of a config that a language model with a head reads. */
export interface CausalLMConfig {
  readonly hidden_size: number;
  readonly vocab_size: number;
  readonly tie_word_embeddings: boolean;
}

/** `embed_tokens`, `layers`, `norm`; all layers see one mask unless `masks` says otherwise. */
export class Decoder<Block extends DecoderBlock = DecoderBlock> extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Block[];
  norm: Norm;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => makeBlock(i));
    this.norm = norm;
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }
}

/** `[B, L, E] -> [B, 1, E]` */
const lastPosition = (h: MxArray): MxArray => {
  const [B = 0, L = 0, E = 0] = h.shape;
  return L === 1 ? h : mx.slice(h, [0, L - 1, 0], [B, L, E]);
};

/** A body and its output layer: `lm_head`, or the embedding the other way round. */
export abstract class HeadedLM<Body extends DecoderBody> extends LanguageModel {
  declare lm_head?: Linear;

  protected abstract get body(): Body;

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    const h = this.body.forward(tokens, options);
    options.onFeatures?.(h);
    return this.logits(options.lastOnly === true ? lastPosition(h) : h);
  }

  override embed(tokens: MxArray): MxArray {
    return this.body.embedding.forward(tokens);
  }

  override project(features: MxArray): MxArray {
    return this.logits(features);
  }

  /** `[B, L, E] -> [B, L, V]` */
  protected logits(h: MxArray): MxArray {
    return this.lm_head === undefined ? this.body.embedding.asLinear(h) : this.lm_head.forward(h);
  }

  get layers(): readonly Module[] {
    return this.body.blocks;
  }

  override makeCache(): LayerCache[] {
    return this.body.makeCache();
  }
}

/** A decoder under `model` with its output layer, tied to the embedding or `lm_head`. */
export class CausalLM<Body extends DecoderBody = Decoder> extends HeadedLM<Body> {
  model: Body;

  constructor(c: CausalLMConfig, model: Body, { headBias = false } = {}) {
    super();
    this.model = model;
    if (!c.tie_word_embeddings) this.lm_head = new Linear(c.hidden_size, c.vocab_size, headBias);
  }

  protected get body(): Body {
    return this.model;
  }
}

/** A decoder under `transformer` with its output layer, tied to the embedding or `lm_head`. */
export class TransformerLM<Body extends DecoderBody> extends HeadedLM<Body> {
  transformer: Body;

  constructor(c: CausalLMConfig, transformer: Body, { headBias = false } = {}) {
    super();
    this.transformer = transformer;
    if (!c.tie_word_embeddings) this.lm_head = new Linear(c.hidden_size, c.vocab_size, headBias);
  }

  protected get body(): Body {
    return this.transformer;
  }
}
