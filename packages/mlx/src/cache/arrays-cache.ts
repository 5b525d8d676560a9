import {
  arange,
  array,
  concatenate,
  contiguous,
  depends,
  expandDims,
  float32,
  greaterEqual,
  int32,
  less,
  logicalAnd,
  type MxArray,
  multiply,
  replace,
  share,
  slice,
  take,
  tidy,
  zeros,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { CacheWriter, StateRoom } from "./cache-room.ts";
import { type CacheSnapshot, differingAxes, fittingCounts, refuseSnapshot } from "./cache-snapshot.ts";
import type { BatchCache, LayerArrays, LayerCache, StateShapes } from "./layer-cache.ts";

/** Which positions of a batch do not count. */
export interface ArraysCacheOptions {
  /** Positions at the start of each row that do not count. */
  leftPadding?: readonly number[];
  /** Positions of each row that count; what follows is padding. */
  lengths?: readonly number[];
  /** Whether there are rows of positions among the arrays, `[B, rows, …]`, more or fewer each time. Default false. */
  hasRows?: boolean;
}

/**
 * The arrays of a recurrent layer, of one sequence or a row for each of several: a convolution's last inputs, a state.
 * What has passed through them cannot be taken back.
 *
 * @see mlx-lm 0.32.2 models/cache.py ArraysCache
 */
export class ArraysCache implements BatchCache, LayerArrays {
  readonly #held: (MxArray | undefined)[];
  /** What still has to write into them. */
  #writer: CacheWriter | undefined;
  /** Whether they may be written: nobody else has them. */
  #isOwn = false;
  #leftPadding: readonly number[] | undefined;
  #lengths: readonly number[] | undefined;
  readonly #hasRows: boolean;
  #rows: number;
  #offset = 0;

  constructor(slots: number, { leftPadding, lengths, hasRows = false }: ArraysCacheOptions = {}) {
    this.#held = Array.from({ length: slots });
    this.#leftPadding = leftPadding;
    this.#lengths = lengths;
    this.#hasRows = hasRows;
    this.#rows = leftPadding?.length ?? lengths?.length ?? 1;
  }

  get arrays(): LayerArrays {
    return this;
  }

  /** For others: they wait for what writes into them, and are not written again. */
  get #arrays(): (MxArray | undefined)[] {
    this.#settle();
    this.#isOwn = false;
    return this.#held;
  }

  #settle(): void {
    if (this.#writer === undefined) return;
    const held = this.#held.filter((part) => part !== undefined);
    const settled = depends(held, [this.#writer.array]);
    this.#release();
    let next = 0;
    for (const [slot, part] of this.#held.entries()) {
      const waiting = part && settled[next++];
      if (waiting !== undefined) this.#held[slot] = replace(part, waiting);
    }
  }

  #release(): void {
    this.#writer?.release();
    this.#writer = undefined;
  }

  get offset(): number {
    return this.#offset;
  }

  get lengths(): MxArray | undefined {
    return this.#lengths && array([...this.#lengths], int32);
  }

  get nbytes(): number {
    return this.#held.reduce((sum, part) => sum + (part?.nbytes ?? 0), 0);
  }

  get(slot: number): MxArray | undefined {
    return this.#arrays[slot];
  }

  set(slot: number, value: MxArray): void {
    const arrays = this.#arrays;
    arrays[slot] = replace(arrays[slot], value);
    this.#rows = value.dim(0);
  }

  makeMask(L: number): MxArray | undefined {
    const positions = arange(0, L);
    const column = (counts: readonly number[]) => expandDims(array([...counts], int32), 1); // [B, 1]
    const isPadded = this.#leftPadding?.some((n) => n > 0) === true;
    const started = isPadded ? greaterEqual(positions, column(this.#leftPadding ?? [])) : undefined;
    const unfinished = this.#lengths && less(positions, column(this.#lengths));
    return started && unfinished ? logicalAnd(started, unfinished) : (started ?? unfinished);
  }

  advance(L: number): void {
    this.#offset += L;
    this.#leftPadding = this.#leftPadding?.map((n) => n - L);
    this.#lengths = this.#lengths?.map((n) => n - L);
  }

  stateRoom({ past, state }: StateShapes, L: number): StateRoom | undefined {
    const isPadded = this.#lengths !== undefined || this.#leftPadding?.some((n) => n > 0) === true;
    const shapes = state === undefined ? [past] : [past, state];
    if (isPadded || this.#held.length !== shapes.length || this.#hasRows) return undefined;
    if (!shapes.every((shape, slot) => isFloats(this.#held[slot], shape))) return undefined;
    if (!this.#isOwn) this.#makeOwn(shapes);
    const [ownPast, ownState = ownPast] = this.#held;
    if (ownPast === undefined || ownState === undefined) return undefined;
    const pass = (): void => this.advance(L);
    const fill: StateRoom["fill"] = (writer) => {
      const held = writer.hold();
      this.#release();
      this.#writer = held;
      pass();
    };
    return {
      ...{ past: ownPast, state: ownState, after: this.#writer?.array },
      ...{ fill, pass, left: Number.POSITIVE_INFINITY },
    };
  }

  /** Copies of what others have too, and zeros where there is nothing. */
  #makeOwn(shapes: readonly (readonly number[])[]): void {
    this.#settle();
    for (const [slot, shape] of shapes.entries()) {
      const part = this.#held[slot];
      // a product is a buffer of its own, unless nobody else needs that of its factor
      const own = tidy(() => (part === undefined ? zeros(shape) : contiguous(multiply(part, 1))));
      this.#held[slot] = replace(part, own);
    }
    this.#isOwn = true;
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

  get isRevocable(): boolean {
    return false;
  }

  revoke(): void {
    throw new InvalidArgumentError("What has passed through a recurrent layer cannot be taken back");
  }

  toBatch(leftPadding: readonly number[] = [0]): BatchCache {
    if (this.#offset > 0 && (leftPadding.length > 1 || leftPadding[0] !== 0)) {
      throw new InvalidArgumentError("Left padding needs an empty cache: this one has contents");
    }
    this.#leftPadding = leftPadding;
    if (this.#offset === 0) this.#rows = leftPadding.length;
    return this;
  }

  extend(other: BatchCache): void {
    if (!(other instanceof ArraysCache)) {
      throw new InvalidArgumentError("Only caches of one layer can be joined");
    }
    tidy(() => {
      this.#arrays.forEach((own, slot) => {
        const theirs = other.#arrays[slot];
        const like = own ?? theirs;
        if (like === undefined) return;
        const rows = (part: MxArray | undefined, count: number) =>
          part ?? zeros([count, ...like.shape.slice(1)], like.dtype);
        const joined = concatenate([rows(own, this.#rows), rows(theirs, other.#rows)], 0);
        this.#arrays[slot] = replace(own, joined);
      });
    });
    this.#leftPadding = joinCounts(this.#leftPadding, this.#rows, other.#leftPadding, other.#rows, 0);
    this.#lengths = joinCounts(
      this.#lengths,
      this.#rows,
      other.#lengths,
      other.#rows,
      Number.MAX_SAFE_INTEGER,
    );
    this.#rows += other.#rows;
    this.#offset = Math.max(this.#offset, other.#offset);
    other.dispose();
  }

  filter(rows: readonly number[]): void {
    if (rows.length === 0 || !rows.every((row) => Number.isInteger(row) && row >= 0 && row < this.#rows)) {
      throw new InvalidArgumentError(`Expected rows below ${this.#rows} but received [${rows}]`);
    }
    tidy(() => {
      const ids = array([...rows], int32);
      this.#arrays.forEach((part, slot) => {
        if (part !== undefined) this.#arrays[slot] = replace(part, take(part, ids, 0));
      });
    });
    const picked = (counts: readonly number[] | undefined) => counts && rows.map((row) => counts[row] ?? 0);
    this.#leftPadding = picked(this.#leftPadding);
    this.#lengths = picked(this.#lengths);
    this.#rows = rows.length;
  }

  extract(row: number): LayerCache {
    if (!Number.isInteger(row) || row < 0 || row >= this.#rows) {
      throw new InvalidArgumentError(`There is no row ${row} among ${this.#rows}`);
    }
    const one = new ArraysCache(this.#held.length, { hasRows: this.#hasRows });
    this.#arrays.forEach((part, slot) => {
      if (part === undefined) return;
      const start = part.shape.map((_, axis) => (axis === 0 ? row : 0));
      const stop = part.shape.map((size, axis) => (axis === 0 ? row + 1 : size));
      one.set(slot, contiguous(slice(part, start, stop)));
    });
    one.advance(this.#offset);
    return one;
  }

  fork(): LayerCache {
    const forked = new ArraysCache(this.#held.length, { hasRows: this.#hasRows });
    for (const [slot, part] of this.#arrays.entries()) if (part !== undefined) forked.set(slot, share(part));
    forked.advance(this.#offset);
    return forked;
  }

  snapshot(): CacheSnapshot {
    return { arrays: [...this.#arrays], counts: [this.#offset], parts: [] };
  }

  restore(snapshot: CacheSnapshot): void {
    const [offset = 0] = fittingCounts(snapshot, 1);
    const { arrays } = snapshot;
    const fit = this.#arrays.every((own, slot) => {
      const part = arrays[slot];
      if (own === undefined || part === undefined) return own === part || this.#hasRows;
      return differingAxes(own, part).every((axis) => this.#hasRows && axis === 1);
    });
    if (!fit || arrays.length !== this.#held.length) refuseSnapshot();
    this.dispose();
    for (const [slot, part] of arrays.entries()) if (part !== undefined) this.set(slot, part);
    this.advance(offset);
  }

  state(): MxArray[] {
    return this.#arrays.filter((part) => part !== undefined);
  }

  dispose(): void {
    this.#release();
    for (const part of this.#held) part?.dispose();
    this.#held.fill(undefined);
    this.#isOwn = false;
    this.#leftPadding = undefined;
    this.#lengths = undefined;
    this.#offset = 0;
  }
}

/** Whether an array, if there is one, is of this shape. */
const isFloats = (part: MxArray | undefined, shape: readonly number[]): boolean =>
  part === undefined ||
  (part.dtype === float32 && part.ndim === shape.length && part.shape.every((size, i) => size === shape[i]));

/** The counts of two batches behind one another, where one has any; `none` for rows without. */
const joinCounts = (
  own: readonly number[] | undefined,
  rows: number,
  theirs: readonly number[] | undefined,
  otherRows: number,
  none: number,
): readonly number[] | undefined => {
  if (own === undefined && theirs === undefined) return undefined;
  const filled = (counts: readonly number[] | undefined, n: number) => counts ?? Array<number>(n).fill(none);
  return [...filled(own, rows), ...filled(theirs, otherRows)];
};
