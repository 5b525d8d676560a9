import {
  arange,
  array,
  concatenate,
  expandDims,
  greaterEqual,
  int32,
  less,
  logicalAnd,
  type MxArray,
  replace,
  subtract,
  take,
  tidy,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { BatchCache, LayerArrays, LayerCache } from "./layer-cache.ts";

export interface ArraysCacheOptions {
  /** Positions at the start of each row that do not count. */
  leftPadding?: readonly number[] | undefined;
  /** Positions of each row that count, int32 `[B]`; what follows is padding. */
  lengths?: MxArray | undefined;
}

/**
 * The arrays of a recurrent layer: a convolution's last inputs, a state. What has passed through them cannot be taken
 * back.
 *
 * @see mlx-lm 0.32.2 models/cache.py ArraysCache
 */
export class ArraysCache implements BatchCache, LayerArrays {
  readonly #arrays: (MxArray | undefined)[];
  #leftPadding: readonly number[];
  #lengths: MxArray | undefined;
  #offset = 0;

  constructor(slots: number, { leftPadding = [], lengths }: ArraysCacheOptions = {}) {
    this.#arrays = Array.from({ length: slots });
    this.#leftPadding = leftPadding;
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
    const isPadded = this.#leftPadding.some((n) => n > 0);
    if (!isPadded && this.#lengths === undefined) return undefined;
    const positions = arange(0, L);
    const rows = [this.#leftPadding.length, 1];
    const started = isPadded ? greaterEqual(positions, array(this.#leftPadding, int32, rows)) : undefined;
    const unfinished = this.#lengths && less(positions, expandDims(this.#lengths, 1));
    return started && unfinished ? logicalAnd(started, unfinished) : (started ?? unfinished);
  }

  advance(L: number): void {
    this.#offset += L;
    this.#leftPadding = this.#leftPadding.map((n) => n - L);
    if (this.#lengths) this.#lengths = replace(this.#lengths, subtract(this.#lengths, L));
  }

  updateAndFetch(_keys: MxArray, _values: MxArray): [MxArray, MxArray] {
    throw new InvalidArgumentError("An attention layer was given a cache of arrays; use makeCache()");
  }

  part(_i: number): LayerCache {
    throw new InvalidArgumentError("A layer of several parts was given one cache for all; use makeCache()");
  }

  toBatch(leftPadding: readonly number[] = [0]): BatchCache {
    if (this.#offset === 0) return new ArraysCache(this.#arrays.length, { leftPadding });
    if (leftPadding.length > 1 || leftPadding[0] !== 0) {
      throw new InvalidArgumentError("Left padding needs an empty cache: this one has contents");
    }
    return this;
  }

  extend(other: BatchCache): void {
    if (!(other instanceof ArraysCache))
      throw new InvalidArgumentError("Only caches of one layer can be joined");
    this.#change((own, slot) => {
      const added = other.get(slot);
      if (added === undefined) throw new InvalidArgumentError("Only caches with contents can be joined");
      return concatenate([own, added], 0);
    });
    this.#leftPadding = []; // both are past theirs
    other.dispose();
  }

  filter(rows: readonly number[]): void {
    const ids = array([...rows], int32);
    this.#change((own) => take(own, ids, 0));
    if (this.#leftPadding.length > 0) this.#leftPadding = rows.map((row) => this.#leftPadding[row] ?? 0);
  }

  extract(row: number): LayerCache {
    const only = new ArraysCache(this.#arrays.length);
    this.#arrays.forEach((own, slot) => {
      if (own !== undefined)
        only.set(
          slot,
          tidy(() => take(own, array([row], int32), 0)),
        );
    });
    only.advance(this.#offset);
    return only;
  }

  /** Replaces every array by what `next` makes of it. */
  #change(next: (own: MxArray, slot: number) => MxArray): void {
    this.#arrays.forEach((own, slot) => {
      if (own !== undefined)
        this.set(
          slot,
          tidy(() => next(own, slot)),
        );
    });
  }

  isTrimmable(): boolean {
    return false;
  }

  trim(_n: number): number {
    return 0;
  }

  state(): MxArray[] {
    return [...this.#arrays, this.#lengths].filter((array) => array !== undefined);
  }

  dispose(): void {
    for (const array of this.state()) array.dispose();
    this.#arrays.fill(undefined);
    this.#leftPadding = [];
    this.#lengths = undefined;
    this.#offset = 0;
  }
}
