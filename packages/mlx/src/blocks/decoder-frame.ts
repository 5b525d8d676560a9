import { KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { type ForwardOptions, layerCache } from "../models/language-model.ts";
import { type Embedding, Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { continueBlocks, fusedBlocks } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

export interface DecoderBlock extends Module {
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray;
  /** This block among others that may be one operation; undefined where it cannot be. */
  call?(mask: Mask, cache: LayerCache): BlockCall | undefined;
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
  forward(tokens: MxArray, { cache, embeddings, additions, run }: ForwardOptions = {}): MxArray {
    const x = this.inputs(tokens, embeddings, cache); // [B, L, E]
    const next = run && continueBlocks(run, this, x);
    if (next !== undefined) return this.lastNorm.forward(next);
    const maskOf = this.masks(x.dim(1), cache);
    let { h, count, goOn } = fusedBlocks(x, additions === undefined ? this.#calls(maskOf, cache) : []);
    if (run !== undefined && count === this.blocks.length) goOn?.(run, this);
    for (; count < this.blocks.length; count++) {
      h = this.blocks[count]?.forward(h, maskOf(count), layerCache(cache, count)) ?? h;
      const addition = additions?.[count];
      if (addition !== undefined) h = h.add(addition);
    }
    return this.lastNorm.forward(h);
  }

  /** The first blocks as far as they may be one operation. */
  *#calls(maskOf: (layer: number) => Mask, cache?: readonly LayerCache[]): Generator<BlockCall> {
    for (const [i, block] of this.blocks.entries()) {
      const call = block.call?.(maskOf(i), layerCache(cache, i));
      if (call === undefined) return;
      yield call;
    }
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
