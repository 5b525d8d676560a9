import { KVCache, type LayerCache, noCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module, type Quantization } from "../nn/index.ts";

export interface ForwardOptions {
  /** One per layer, from `makeCache`; none computes the sequence on its own. */
  cache?: readonly LayerCache[];
  /** Input embeddings `[B, L, E]` instead of those of the tokens. */
  embeddings?: MxArray;
}

/** A decoder that turns tokens into logits. */
export abstract class LanguageModel extends Module {
  /**
   * @param tokens - int32 `[B, L]`
   * @returns logits `[B, L, V]`
   */
  abstract forward(tokens: MxArray, options?: ForwardOptions): MxArray;

  /** The blocks, in order. */
  abstract get layers(): readonly Module[];

  /**
   * How quantizing treats the layer at `path`: true takes the settings asked for, an object changes them, false leaves
   * the layer dense.
   */
  quantizationOf(_path: string): boolean | Partial<Quantization> {
    return true;
  }

  /** Fresh caches, one per layer. */
  makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }
}

/** The cache of layer `i`, or one that remembers nothing. */
export const layerCache = (cache: readonly LayerCache[] | undefined, i: number): LayerCache =>
  cache?.[i] ?? noCache;
