import { CacheList, KVCache, type LayerCache } from "../cache/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Decoder } from "./causal-lm.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";

/** A decoder whose layers keep two caches each, of the same positions. */
export class PairedDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const mask = layerCache(cache, 0).part(0).makeMask(L);
    return () => mask;
  }

  override makeCache(): LayerCache[] {
    return this.layers.map(() => new CacheList(new KVCache(), new KVCache()));
  }
}
