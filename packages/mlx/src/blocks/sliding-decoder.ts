import { KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Decoder, type DecoderBlock, type DecoderConfig } from "./causal-lm.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

/** Which layers see only the latest positions, and how many. */
export interface SlidingWindow {
  readonly size: number;
  /** Per layer, whether it slides. */
  readonly layers: readonly boolean[];
}

/** A decoder some of whose layers see only a window. */
export class SlidingDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  readonly #window: SlidingWindow;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm, window: SlidingWindow) {
    super(c, makeBlock, norm);
    this.#window = window;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    const { size, layers } = this.#window;
    const full = layerCache(cache, layers.indexOf(false)).makeMask(L);
    const sliding = layerCache(cache, layers.indexOf(true)).makeMask(L, { window: size });
    return (layer) => (layers[layer] === true ? sliding : full);
  }
}

/** Fresh caches: layers that slide remember no more than they see. */
export const slidingCaches = ({ size, layers }: SlidingWindow): LayerCache[] =>
  layers.map((slides) => (slides ? new RotatingKVCache(size) : new KVCache()));
