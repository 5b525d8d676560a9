import { KVCache, type LayerCache, RotatingKVCache } from "../cache/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Decoder, type DecoderConfig } from "./causal-lm.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

/** Which layers see only the latest positions, and how many. */
export interface SlidingWindow {
  readonly size: number;
  /** Per layer, whether it slides. */
  readonly layers: readonly boolean[];
}

/** Keys of a config that say which layers slide. */
export interface SlidingConfig {
  readonly num_hidden_layers: number;
  readonly sliding_window: number;
  /** Without `layer_types`: the last of every so many layers attends to everything, the others slide. */
  readonly sliding_window_pattern: number;
  readonly layer_types?: readonly string[] | undefined;
}

/** The layers that slide by a config's `layer_types`, or by its pattern. */
export const slidingWindow = (c: SlidingConfig): SlidingWindow => ({
  size: c.sliding_window,
  layers: Array.from({ length: c.num_hidden_layers }, (_, i) =>
    c.layer_types === undefined
      ? (i + 1) % c.sliding_window_pattern !== 0
      : c.layer_types[i] === "sliding_attention",
  ),
});

/** The mask of each layer for `L` new positions. */
export const slidingMasks = (
  { size, layers }: SlidingWindow,
  L: number,
  cache?: readonly LayerCache[],
): ((layer: number) => Mask) => {
  const full = layerCache(cache, layers.indexOf(false)).makeMask(L);
  const sliding = layerCache(cache, layers.indexOf(true)).makeMask(L, { window: size });
  return (layer) => (layers[layer] === true ? sliding : full);
};

/** Fresh caches; layers that slide remember no more than they see. */
export const slidingCaches = ({ size, layers }: SlidingWindow): LayerCache[] =>
  layers.map((slides) => (slides ? new RotatingKVCache(size) : new KVCache()));

/** A decoder some of whose layers see only a window. */
export class SlidingDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  readonly #window: SlidingWindow;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm, window: SlidingWindow) {
    super(c, makeBlock, norm);
    this.#window = window;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return slidingMasks(this.#window, L, cache);
  }

  override makeCache(): LayerCache[] {
    return slidingCaches(this.#window);
  }
}
