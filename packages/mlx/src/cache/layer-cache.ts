import type { Mask, MaskOptions } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";

/** What one attention layer remembers. Layers ask it; they never look inside. */
export interface LayerCache {
  /** Position of the next token. */
  readonly offset: number;
  /**
   * Appends keys and values `[B, K, L, D]` and returns all that the new positions may attend to, `[B, K, S, D]`.
   */
  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray];
  /** The mask for `L` new positions. */
  makeMask(L: number, options?: MaskOptions): Mask;
  /** Whether the last positions can be taken back. */
  isTrimmable(): boolean;
  /** Takes back the last `n` positions; returns how many it took. */
  trim(n: number): number;
  /** The arrays to evaluate so that the cache stands on its own. */
  state(): MxArray[];
  readonly nbytes: number;
  dispose(): void;
}
