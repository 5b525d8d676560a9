import type { MxArray } from "../core/index.ts";
import { Decoder, type DecoderConfig } from "./causal-lm.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import type { Norm } from "./norm.ts";

/** A decoder that multiplies its embeddings, given ones too, by `scale`. */
export class ScaledDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  readonly #scale: number;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm, scale: number) {
    super(c, makeBlock, norm);
    this.#scale = scale;
  }

  protected override inputs(tokens: MxArray, embeddings?: MxArray): MxArray {
    return super.inputs(tokens, embeddings).multiply(this.#scale);
  }
}
