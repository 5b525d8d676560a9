import { KVCache, type LayerCache, noCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { type ForwardOptions, layerCache } from "../models/language-model.ts";
import { type Embedding, Module } from "../nn/index.ts";
import type { BlockCall } from "./block-parts.ts";
import { allFusedBlocks, continueBlocks, type FusedBlocks, fusedBlocks } from "./fused-block.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

/** A block that may be one operation with others. */
export interface FusableBlock extends Module {
  /** This block among others that may be one operation; undefined where it cannot be. */
  call?(mask: Mask, cache: LayerCache): BlockCall | undefined;
}

/** That is told nothing but what the one before gave. */
export interface DecoderBlock extends FusableBlock {
  forward(x: MxArray, mask: Mask, cache: LayerCache): MxArray;
}

type LayerMasks = (layer: number) => Mask;
type Caches = readonly LayerCache[] | undefined;

/** What blocks get beside `x`. */
export interface BlockInputs {
  /** Added to what each block gives (`ForwardOptions`). */
  readonly additions: ForwardOptions["additions"] | undefined;
  readonly maskOf: LayerMasks;
  readonly cache: Caches;
  /** What each layer is told of its own, `[B, L, layers, P]`. */
  readonly own: MxArray | undefined;
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
export abstract class BlockFrame<Block extends FusableBlock> extends Module implements DecoderBody {
  abstract get embedding(): Embedding;
  abstract get blocks(): readonly Block[];
  protected abstract get lastNorm(): Norm;

  /** `[B, L] -> [B, L, E]` */
  forward(tokens: MxArray, { cache, embeddings, additions, run }: ForwardOptions = {}): MxArray {
    const x = this.inputs(tokens, embeddings, cache); // [B, L, E]
    const own = this.layerInputs(tokens, x);
    const next = run && continueBlocks(run, this, x, own);
    if (next !== undefined) return this.lastNorm.forward(next);
    const maskOf = this.masks(x.dim(1), cache);
    const { h, count, goOn }: FusedBlocks =
      additions === undefined ? this.#fused(x, maskOf, cache, own) : { h: x, count: 0 };
    if (run !== undefined && count === this.blocks.length) goOn?.(run, this);
    return this.lastNorm.forward(this.finish(h, count, { maskOf, cache, additions, own }));
  }

  /** As many of the first blocks as may be one operation. */
  #fused(x: MxArray, maskOf: LayerMasks, cache: Caches, own: MxArray | undefined): FusedBlocks {
    const calls = this.#calls(maskOf, cache);
    return this.areInseparable ? allFusedBlocks(x, calls, this.blocks.length, own) : fusedBlocks(x, calls);
  }

  *#calls(maskOf: LayerMasks, cache: Caches): Generator<BlockCall> {
    for (const [i, block] of this.blocks.entries()) {
      const source = this.cacheOf(i, cache);
      const call = source && block.call?.(maskOf(i), source);
      if (call === undefined) return;
      yield call;
    }
  }

  /** `h` after all blocks, of which the first `count` are done. */
  protected abstract finish(h: MxArray, count: number, inputs: BlockInputs): MxArray;

  /** Whether blocks are told more than what the one before gave, so that some of them alone cannot be one operation. */
  protected get areInseparable(): boolean {
    return false;
  }

  /** What a layer goes on from; undefined where there is none. */
  protected cacheOf(layer: number, cache: Caches): LayerCache | undefined {
    return layerCache(cache, layer);
  }

  /** What each layer is told of its own, `[B, L, layers, P]`. */
  protected layerInputs(_tokens: MxArray, _x: MxArray): MxArray | undefined {
    return undefined;
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

/** A frame around blocks that follow one another. */
export abstract class DecoderFrame<Block extends DecoderBlock = DecoderBlock> extends BlockFrame<Block> {
  protected finish(h: MxArray, count: number, { maskOf, cache, additions }: BlockInputs): MxArray {
    let done = h;
    for (let i = count; i < this.blocks.length; i++) {
      done = this.blocks[i]?.forward(done, maskOf(i), this.cacheOf(i, cache) ?? noCache) ?? done;
      const addition = additions?.[i];
      if (addition !== undefined) done = done.add(addition);
    }
    return done;
  }
}
