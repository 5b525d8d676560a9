/** The frame that most decoders share: embedding, blocks, norm, output layer. */
import { KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { type ForwardOptions, LanguageModel, layerCache } from "../models/language-model.ts";
import { Embedding, Linear, Module } from "../nn/index.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

export interface DecoderConfig {
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly vocab_size: number;
}

export interface CausalLMConfig {
  readonly hidden_size: number;
  readonly vocab_size: number;
  readonly tie_word_embeddings: boolean;
}

export interface DecoderBlock extends Module {
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray;
}

/** `embed_tokens`, `layers`, `norm`; all layers see one mask unless `masks` says otherwise. */
export class Decoder<Block extends DecoderBlock = DecoderBlock> extends Module {
  embed_tokens: Embedding;
  layers: Block[];
  norm: Norm;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => makeBlock(i));
    this.norm = norm;
  }

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings }: ForwardOptions = {}): MxArray {
    let h = this.inputs(tokens, embeddings); // [B, L, E]
    const maskOf = this.masks(h.dim(1), cache);
    this.layers.forEach((layer, i) => {
      h = layer.forward(h, maskOf(i), layerCache(cache, i));
    });
    return this.norm.forward(h);
  }

  /** Fresh caches, one per layer. */
  makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }

  /** What the first block sees, `[B, L, E]`: given embeddings, or those of the tokens. */
  protected inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return embeddings ?? this.embed_tokens.forward(tokens);
  }

  /** The mask of each layer for `L` new positions. */
  protected masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, 0).makeMask(L);
    return () => mask;
  }
}

/** A decoder under `model` with its output layer, tied to the embedding or `lm_head`. */
export class CausalLM<Body extends Decoder = Decoder> extends LanguageModel {
  model: Body;
  declare lm_head?: Linear;

  constructor(c: CausalLMConfig, model: Body) {
    super();
    this.model = model;
    if (!c.tie_word_embeddings) this.lm_head = new Linear(c.hidden_size, c.vocab_size, false);
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.logits(this.model.forward(tokens, options));
  }

  /** `[B, L, E] -> [B, L, V]` */
  protected logits(h: MxArray): MxArray {
    return this.lm_head === undefined ? this.model.embed_tokens.asLinear(h) : this.lm_head.forward(h);
  }

  get layers(): readonly DecoderBlock[] {
    return this.model.layers;
  }

  override makeCache(): LayerCache[] {
    return this.model.makeCache();
  }
}
