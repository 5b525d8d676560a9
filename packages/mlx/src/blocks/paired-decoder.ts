import { CacheList, KVCache, type LayerCache } from "../cache/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Decoder } from "./causal-lm.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";

/** The mask of layers that keep two caches each, of the same positions. */
export const pairedMask = (L: number, cache?: readonly LayerCache[]): Mask =>
  layerCache(cache, 0).part(0).makeMask(L);

/** Two caches for each layer. */
export const pairedCaches = (layers: readonly unknown[]): LayerCache[] =>
  layers.map(() => new CacheList(new KVCache(), new KVCache()));

/** A decoder whose layers keep two caches each, of the same positions. */
export class PairedDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = pairedMask(L, cache);
    return () => mask;
  }

  override makeCache(): LayerCache[] {
    return pairedCaches(this.layers);
  }
}
