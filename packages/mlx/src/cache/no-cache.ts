import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import type { LayerArrays, LayerCache } from "./layer-cache.ts";

/** Hands nothing on. */
const noArrays: LayerArrays = {
  get: () => undefined,
  set: () => {},
  makeMask: () => undefined,
  lengths: undefined,
  advance: () => {},
};

/** Remembers nothing: a forward pass over a whole sequence at once. */
export class NoCache implements LayerCache {
  readonly offset = 0;
  readonly nbytes = 0;
  readonly arrays = noArrays;
  readonly isRevocable = false;

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    return [keys, values];
  }

  makeMask(L: number, options: MaskOptions = {}): Mask {
    const { window } = options;
    const isWindowed = window !== undefined && L > window;
    return attentionMask(L, 0, { ...options, window: isWindowed ? window : undefined });
  }

  part(_i: number): LayerCache {
    return this;
  }

  isTrimmable(): boolean {
    return false;
  }

  trim(_n: number): number {
    return 0;
  }

  revoke(): void {
    // there is nothing to take back
  }

  state(): MxArray[] {
    return [];
  }

  dispose(): void {
    // holds nothing
  }
}

/** The cache of a layer in a forward pass that keeps nothing. */
export const noCache: LayerCache = new NoCache();
