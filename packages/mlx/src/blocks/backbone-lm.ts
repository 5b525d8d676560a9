import { ArraysCache, type LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Embedding, Linear, Module } from "../nn/index.ts";
import { type CausalLMConfig, type DecoderConfig, HeadedLM } from "./causal-lm.ts";
import { type DecoderBlock, type DecoderBody, DecoderFrame } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { Mixer } from "./pre-norm-block.ts";

/** Mamba's block: `x + mixer(norm(x))`. */
export class MixerBlock extends Module {
  mixer: Mixer;
  norm: Norm;

  constructor(mixer: Mixer, norm: Norm) {
    super();
    this.mixer = mixer;
    this.norm = norm;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    return add(this.mixer.forward(this.norm.forward(x), mask, cache), x); // [B, L, E]
  }
}

/** `embeddings`, `layers`, `norm_f`, as Mamba calls them; all layers are recurrent, with two arrays each. */
export class Backbone<Block extends DecoderBlock = DecoderBlock> extends DecoderFrame<Block> {
  embeddings: Embedding;
  layers: Block[];
  norm_f: Norm;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm) {
    super();
    this.embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => makeBlock(i));
    this.norm_f = norm;
  }

  get embedding(): Embedding {
    return this.embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm_f;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const padding = layerCache(cache, 0).arrays.makeMask(L);
    return () => padding;
  }

  override makeCache(): LayerCache[] {
    return this.layers.map(() => new ArraysCache(2));
  }
}

/** A decoder under `backbone` with its output layer, tied to the embedding or `lm_head`. */
export class BackboneLM<Body extends DecoderBody = Backbone> extends HeadedLM<Body> {
  backbone: Body;

  constructor(c: CausalLMConfig, backbone: Body) {
    super();
    this.backbone = backbone;
    if (!c.tie_word_embeddings) this.lm_head = new Linear(c.hidden_size, c.vocab_size, false);
  }

  protected get body(): Body {
    return this.backbone;
  }
}
