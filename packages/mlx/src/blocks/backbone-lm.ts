import { ArraysCache, type LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Embedding, Linear, Module } from "../nn/index.ts";
import type { BlockCall, BlockParts } from "./block-parts.ts";
import { type CausalLMConfig, type DecoderConfig, HeadedLM } from "./causal-lm.ts";
import { type DecoderBlock, type DecoderBody, DecoderFrame } from "./decoder-frame.ts";
import { fusedBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import { KeptParts } from "./mixer-parts.ts";
import type { Norm } from "./norm.ts";
import type { Mixer } from "./pre-norm-block.ts";

/** Mamba's block: `x + mixer(norm(x))`. */
export class MixerBlock extends Module {
  mixer: Mixer;
  norm: Norm;
  readonly #isMlp: boolean;
  readonly #parts = new KeptParts<BlockParts>();

  /** @param isMlp - whether the mixer works on each position alone. Default false. */
  constructor(mixer: Mixer, norm: Norm, { isMlp = false }: { readonly isMlp?: boolean } = {}) {
    super();
    this.mixer = mixer;
    this.norm = norm;
    this.#isMlp = isMlp;
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    if (this.forward !== MixerBlock.prototype.forward) return undefined;
    return { block: this.#block(), mask, cache };
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray {
    const made = fusedBlock(x, { block: this.#block(), mask, cache });
    return made?.h ?? add(this.mixer.forward(this.norm.forward(x), mask, cache), x); // [B, L, E]
  }

  /** This block under the names of others. */
  #block(): BlockParts {
    const { mixer, norm } = this;
    return this.#parts.of([mixer, norm], () =>
      this.#isMlp
        ? { mlp: mixer, pre_feedforward_layernorm: norm }
        : { self_attn: mixer, input_layernorm: norm },
    );
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
