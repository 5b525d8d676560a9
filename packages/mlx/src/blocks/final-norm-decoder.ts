import { Embedding } from "../nn/index.ts";
import type { DecoderConfig } from "./causal-lm.ts";
import { type DecoderBlock, DecoderFrame } from "./decoder-frame.ts";
import type { Norm } from "./norm.ts";

/** A decoder whose last norm is called `final_layernorm`. */
export class FinalNormDecoder<Block extends DecoderBlock = DecoderBlock> extends DecoderFrame<Block> {
  embed_tokens: Embedding;
  layers: Block[];
  final_layernorm: Norm;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm) {
    super();
    this.embed_tokens = new Embedding(c.vocab_size, c.hidden_size);
    this.layers = Array.from({ length: c.num_hidden_layers }, (_, i) => makeBlock(i));
    this.final_layernorm = norm;
  }

  get embedding(): Embedding {
    return this.embed_tokens;
  }

  get blocks(): readonly Block[] {
    return this.layers;
  }

  protected get lastNorm(): Norm {
    return this.final_layernorm;
  }
}
