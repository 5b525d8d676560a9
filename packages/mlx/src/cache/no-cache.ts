import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import type { LayerCache } from "./layer-cache.ts";

/** Remembers nothing: a forward pass over a whole sequence at once. */
class NoCache implements LayerCache {
  readonly offset = 0;
  readonly nbytes = 0;

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    return [keys, values];
  }

  makeMask(L: number, { window, asArray }: MaskOptions = {}): Mask {
    const isWindowed = window !== undefined && L > window;
    return attentionMask(L, 0, { window: isWindowed ? window : undefined, asArray: asArray ?? false });
  }

  isTrimmable(): boolean {
    return false;
  }

  trim(): number {
    return 0;
  }

  state(): MxArray[] {
    return [];
  }

  dispose(): void {
    // holds nothing
  }
}

export const noCache: LayerCache = new NoCache();
