import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { Embedding, Module } from "../nn/index.ts";
import type { DecoderConfig } from "./causal-lm.ts";
import { DecoderFrame } from "./decoder-frame.ts";
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

  forward(x: MxArray, mask: Mask, cache: LayerCache, offset = cache.offset): MxArray {
    const h = add(x, this.attention.forward(this.input_layernorm.forward(x), mask, cache, offset)); // [B, L, E]
    return add(h, this.mlp.forward(this.post_attention_layernorm.forward(h))); // [B, L, E]
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
