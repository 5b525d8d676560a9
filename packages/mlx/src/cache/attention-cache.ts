import type { Mask, MaskOptions } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { LayerArrays, LayerCache } from "./layer-cache.ts";

/** What caches of keys and values have in common: neither arrays nor parts. */
export abstract class AttentionCache implements LayerCache {
  abstract readonly offset: number | MxArray;
  abstract readonly nbytes: number;
  abstract updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray];
  abstract makeMask(L: number, options?: MaskOptions): Mask;
  abstract isTrimmable(ahead?: number): boolean;
  abstract trim(n: number): number;
  abstract state(): MxArray[];
  abstract dispose(): void;

  get isRevocable(): boolean {
    return true;
  }

  revoke(n: number): void {
    this.trim(n);
  }

  get arrays(): LayerArrays {
    throw new InvalidArgumentError("A recurrent layer was given a cache of keys and values; use makeCache()");
  }

  part(_i: number): LayerCache {
    throw new InvalidArgumentError("A layer of several parts was given one cache for all; use makeCache()");
  }
}
