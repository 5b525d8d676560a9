import type { LayerCache } from "../cache/index.ts";
import { add, type MxArray } from "../core/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Embedding } from "../nn/index.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import { GptDecoder, type GptDecoderConfig } from "./gpt-decoder.ts";
import type { Norm } from "./norm.ts";
import { positionsFrom } from "./positions.ts";

/** GPT-2's decoder: a learned embedding of each position is added to that of the token. */
export class LearnedPositionsDecoder extends GptDecoder {
  wpe: Embedding;

  constructor(
    c: GptDecoderConfig & { readonly n_positions: number },
    makeBlock: (layer: number) => DecoderBlock,
    norm: Norm,
  ) {
    super(c, makeBlock, norm);
    this.wpe = new Embedding(c.n_positions, c.n_embd);
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray, cache?: readonly LayerCache[]): MxArray {
    const x = super.inputs(tokens, embeddings); // [B, L, E]
    const { offset } = layerCache(cache, 0);
    return add(x, this.wpe.forward(positionsFrom(offset, x.dim(1))));
  }
}
