import { ArraysCache, KVCache, type LayerCache } from "../cache/index.ts";
import { layerCache } from "../models/language-model.ts";
import { Decoder, type DecoderConfig } from "./causal-lm.ts";
import type { DecoderBlock } from "./decoder-frame.ts";
import type { Mask } from "./mask.ts";
import type { Norm } from "./norm.ts";

/** Which layers carry arrays from position to position instead of attending, and how many arrays. */
export interface Recurrence {
  /** Per layer, whether it is recurrent. */
  readonly layers: readonly boolean[];
  readonly slots: number;
}

/** The mask of each layer: attention's from a layer that attends, padding's from one that recurs. */
export const hybridMasks = (
  { layers }: Recurrence,
  L: number,
  cache?: readonly LayerCache[],
): ((layer: number) => Mask) => {
  const attention = layerCache(cache, layers.indexOf(false)).makeMask(L);
  const padding = layerCache(cache, layers.indexOf(true)).arrays.makeMask(L);
  return (layer) => (layers[layer] === true ? padding : attention);
};

/** Fresh caches, one per layer, of the kind that it asks. */
export const hybridCaches = ({ layers, slots }: Recurrence): LayerCache[] =>
  layers.map((isRecurrent) => (isRecurrent ? new ArraysCache(slots) : new KVCache()));

/** A decoder some of whose layers are recurrent. */
export class HybridDecoder<Block extends DecoderBlock = DecoderBlock> extends Decoder<Block> {
  readonly #recurrence: Recurrence;

  constructor(c: DecoderConfig, makeBlock: (layer: number) => Block, norm: Norm, recurrence: Recurrence) {
    super(c, makeBlock, norm);
    this.#recurrence = recurrence;
  }

  protected override masks(L: number, cache?: readonly LayerCache[]): (layer: number) => Mask {
    return hybridMasks(this.#recurrence, L, cache);
  }

  override makeCache(): LayerCache[] {
    return hybridCaches(this.#recurrence);
  }
}
