import { KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { type ForwardOptions, layerCache } from "../models/language-model.ts";
import { type Embedding, Module } from "../nn/index.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

export interface DecoderBlock extends Module {
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray;
}

/** What turns tokens into the features that an output layer reads. */
export interface DecoderBody extends Module {
  /** What an output layer can be tied to. */
  readonly embedding: Embedding;
  readonly blocks: readonly Module[];
  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, options?: ForwardOptions): MxArray;
  /** Fresh caches. */
  makeCache(): LayerCache[];
}

/** Embedding, blocks and norm under whatever names a checkpoint has; subclasses say which field is what. */
export abstract class DecoderFrame<Block extends DecoderBlock = DecoderBlock>
  extends Module
  implements DecoderBody
{
  abstract get embedding(): Embedding;
  abstract get blocks(): readonly Block[];
  protected abstract get lastNorm(): Norm;

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings, additions }: ForwardOptions = {}): MxArray {
    let h = this.inputs(tokens, embeddings, cache); // [B, L, E]
    const maskOf = this.masks(h.dim(1), cache);
    this.blocks.forEach((block, i) => {
      h = block.forward(h, maskOf(i), layerCache(cache, i));
      const addition = additions?.[i];
      if (addition !== undefined) h = h.add(addition);
    });
    return this.lastNorm.forward(h);
  }

  /** Fresh caches, one per layer. */
  makeCache(): LayerCache[] {
    return this.blocks.map(() => new KVCache());
  }

  /** What the first block sees, `[B, L, E]`: given embeddings, or those of the tokens. */
  protected inputs(tokens: MxArray, embeddings?: MxArray, _cache?: readonly LayerCache[]): MxArray {
    return embeddings ?? this.embedding.forward(tokens);
  }

  /** The mask of each layer for `L` new positions. */
  protected masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, 0).makeMask(L);
    return () => mask;
  }
}
