import { Embedding } from "../nn/index.ts";
import type { DecoderConfig } from "./causal-lm.ts";
import { type DecoderBlock, DecoderFrame } from "./decoder-frame.ts";
import type { Norm } from "./norm.ts";

/** A decoder whose embedding is called `tok_embeddings`. */
export class TokDecoder<Block extends DecoderBlock = DecoderBlock> extends DecoderFrame<Block> {
  tok_embeddings: Embedding;
  layers: Block[];
  norm: Norm;

  constructor(c: DecoderConfig, makeBlock: () => Block, norm: Norm) {
    super();
    this.tok_embeddings = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, makeBlock);
    this.norm = norm;
  }

  get embedding(): Embedding {
    return this.tok_embeddings;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.norm;
  }
}
