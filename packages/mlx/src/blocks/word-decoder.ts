import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Embedding, Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import type { DecoderConfig } from "./causal-lm.ts";
import { DecoderFrame } from "./decoder-frame.ts";
import { throughBlock } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";
import type { FeedForward } from "./pre-norm-block.ts";

/** Anything that mixes positions, the first of which is `offset`. */
interface PositionedMixer extends Module {
  forward(x: MxArray, mask: Mask, cache: LayerCache, offset: LayerCache["offset"]): MxArray;
}

/** A pre-norm block that is told positions. */
export class PositionedBlock extends Module {
  attention: PositionedMixer;
  mlp: FeedForward;
  input_layernorm: Norm;
  post_attention_layernorm: Norm;

  constructor(attention: PositionedMixer, mlp: FeedForward, makeNorm: () => Norm) {
    super();
    this.attention = attention;
    this.mlp = mlp;
    this.input_layernorm = makeNorm();
    this.post_attention_layernorm = makeNorm();
  }

  get self_attn(): PositionedMixer {
    return this.attention;
  }

  /** This block among others that may be one operation; undefined where a model does a step differently. */
  call(mask: Mask, cache: LayerCache): BlockCall | undefined {
    return this.forward === PositionedBlock.prototype.forward ? { block: this, mask, cache } : undefined;
  }

  forward(x: MxArray, mask: Mask, cache: LayerCache, offset = cache.offset): MxArray {
    return throughBlock(
      x,
      { block: this, mask, cache },
      {
        mix: () => this.attention.forward(this.input_layernorm.forward(x), mask, cache, offset),
        feed: (h) => this.mlp.forward(this.post_attention_layernorm.forward(h)),
      },
    );
  }
}

/** A decoder whose embedding is called `word_embeddings`. */
export class WordDecoder extends DecoderFrame<PositionedBlock> {
  word_embeddings: Embedding;
  layers: PositionedBlock[];
  norm: Norm;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => PositionedBlock, norm: Norm) {
    super();
    this.word_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => makeBlock(i));
    this.norm = norm;
  }

  get embedding(): Embedding {
    return this.word_embeddings;
  }

  get blocks(): readonly PositionedBlock[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }
}
