import {
  arange,
  expandDims,
  greaterEqual,
  less,
  logicalAnd,
  type MxArray,
  replace,
  subtract,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { LayerArrays, LayerCache } from "./layer-cache.ts";

export interface ArraysCacheOptions {
  /** Positions at the start of each row that do not count, int32 `[B]`. */
  leftPadding?: MxArray | undefined;
  /** Positions of each row that count, int32 `[B]`; what follows is padding. */
  lengths?: MxArray | undefined;
}

/**
 * The arrays of a recurrent layer: a convolution's last inputs, a state. What has passed through them cannot be taken
 * back.
 *
 * @see mlx-lm 0.32.2 models/cache.py ArraysCache
 */
export class ArraysCache implements LayerCache, LayerArrays {
  readonly #arrays: (MxArray | undefined)[];
  #leftPadding: MxArray | undefined;
  #lengths: MxArray | undefined;
  #offset = 0;

  constructor(slots: number, { leftPadding, lengths }: ArraysCacheOptions = {}) {
    this.#arrays = Array.from({ length: slots });
    this.#leftPadding = leftPadding && replace(undefined, leftPadding);
    this.#lengths = lengths && replace(undefined, lengths);
  }

  get arrays(): LayerArrays {
    return this;
  }

  get offset(): number {
    return this.#offset;
  }

  get lengths(): MxArray | undefined {
    return this.#lengths;
  }

  get nbytes(): number {
    return this.#arrays.reduce((sum, array) => sum + (array?.nbytes ?? 0), 0);
  }

  get(slot: number): MxArray | undefined {
    return this.#arrays[slot];
  }

  set(slot: number, value: MxArray): void {
    this.#arrays[slot] = replace(this.#arrays[slot], value);
  }

  makeMask(L: number): MxArray | undefined {
    if (this.#leftPadding === undefined && this.#lengths === undefined) return undefined;
    const positions = arange(0, L);
    const started = this.#leftPadding && greaterEqual(positions, expandDims(this.#leftPadding, 1));
    const unfinished = this.#lengths && less(positions, expandDims(this.#lengths, 1));
    return started && unfinished ? logicalAnd(started, unfinished) : (started ?? unfinished);
  }

  advance(L: number): void {
    this.#offset += L;
    if (this.#leftPadding) this.#leftPadding = replace(this.#leftPadding, subtract(this.#leftPadding, L));
    if (this.#lengths) this.#lengths = replace(this.#lengths, subtract(this.#lengths, L));
  }

  updateAndFetch(_keys: MxArray, _values: MxArray): [MxArray, MxArray] {
    throw new InvalidArgumentError("An attention layer was given a cache of arrays; use makeCache()");
  }

  part(_i: number): LayerCache {
    throw new InvalidArgumentError("A layer of several parts was given one cache for all; use makeCache()");
  }

  isTrimmable(): boolean {
    return false;
  }

  trim(_n: number): number {
    return 0;
  }

  state(): MxArray[] {
    return [...this.#arrays, this.#leftPadding, this.#lengths].filter((array) => array !== undefined);
  }

  dispose(): void {
    for (const array of this.state()) array.dispose();
    this.#arrays.fill(undefined);
    this.#leftPadding = undefined;
    this.#lengths = undefined;
    this.#offset = 0;
  }
}
