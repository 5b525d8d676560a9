import { causalMask, hidePadding, type Mask, type MaskOptions } from "../blocks/mask.ts";
import {
  array,
  concatenate,
  contiguous,
  greaterEqual,
  int32,
  keep,
  logicalAnd,
  type MxArray,
  slice,
  take,
  tidy,
  zeros,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { AttentionCache } from "./attention-cache.ts";
import type { CacheRoom, NewPositions } from "./cache-room.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import type { BatchCache, LayerCache } from "./layer-cache.ts";

/**
 * Keys and values of several sequences. All end at the same place, so that new ones are appended to all at once; shorter
 * ones have padding before them, which masks hide.
 *
 * @see mlx-lm 0.32.2 models/cache.py BatchKVCache, BatchRotatingKVCache
 */
export class BatchKVCache extends AttentionCache implements BatchCache {
  #inner: KeyValueCache;
  #padding: number[]; // per row, positions of `inner` before its first
  #next: number[]; // per row, position of its next token
  #offset: MxArray | undefined; // of `next`, made when asked for
  #passed: MxArray | undefined; // the one before

  /** @param leftPadding - as many tokens of each row will be padding, or none if `inner` has contents */
  constructor(inner: KeyValueCache, leftPadding: readonly number[]) {
    if (leftPadding.length === 0 || !leftPadding.every((n) => Number.isSafeInteger(n) && n >= 0)) {
      throw new InvalidArgumentError(`Expected whole numbers of padding but received [${leftPadding}]`);
    }
    if (inner.length > 0 && (leftPadding.length > 1 || leftPadding[0] !== 0)) {
      throw new InvalidArgumentError("Left padding needs an empty cache: this one has contents");
    }
    super();
    this.#inner = inner;
    this.#padding = [...leftPadding];
    this.#next = leftPadding.map((n) => inner.offset - n);
  }

  get offset(): number | MxArray {
    const [first = 0] = this.#next;
    if (this.#next.every((n) => n === first)) return first;
    this.#offset ??= keep(array(this.#next, int32));
    return this.#offset;
  }

  get nbytes(): number {
    return this.#inner.nbytes;
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    this.#advance(keys.dim(2));
    return this.#inner.updateAndFetch(keys, values);
  }

  room(added: NewPositions): CacheRoom | undefined {
    const room = this.#inner.room?.(added);
    if (room === undefined) return undefined;
    const [next = 0, ...others] = this.#next;
    const fill: CacheRoom["fill"] = (writer) => {
      room.fill(writer);
      this.#advance(added.L);
    };
    const pass = (): void => {
      room.pass?.();
      this.#advance(added.L);
    };
    return { ...room, turns: others.every((n) => n === next) ? [next] : this.#next, fill, pass };
  }

  #advance(n: number): void {
    this.#place(this.#next.map((next) => next + n));
  }

  #place(next: number[]): void {
    this.#next = next;
    this.#passed?.dispose();
    this.#passed = this.#offset; // a layer may still ask for it
    this.#offset = undefined;
  }

  makeMask(L: number, options: MaskOptions = {}): Mask {
    if (Math.max(...this.#padding) <= this.#inner.oldest(L)) return this.#inner.makeMask(L, options);
    const padding = array(this.#padding, int32, [this.#padding.length, 1, 1, 1]);
    const positions = this.#inner.positions(L); // [S]
    const isToken = greaterEqual(positions, padding); // [B, 1, 1, S]
    const seen = this.#inner.makeMask(L, options);
    // as long as nothing was dropped, the cache's order is that of the positions
    if (seen === undefined)
      return this.#inner.oldest(L) === 0 ? hidePadding(isToken, this.#padding) : isToken;
    return logicalAnd(isToken, seen === "causal" ? causalMask(L, positions.dim(0) - L) : seen); // [B, 1, L, S]
  }

  isTrimmable(ahead?: number): boolean {
    return this.#inner.isTrimmable(ahead);
  }

  trim(n: number): number {
    const taken = this.#inner.trim(n);
    this.#advance(-taken);
    return taken;
  }

  override get isRevocable(): boolean {
    return this.#inner.isRevocable;
  }

  override revoke(n: number): void {
    this.#inner.revoke(n);
    this.#advance(-n);
  }

  extend(other: BatchCache): void {
    if (!(other instanceof BatchKVCache))
      throw new InvalidArgumentError("Only caches of one layer can be joined");
    tidy(() => this.#join(other));
    other.dispose();
  }

  #join(other: BatchKVCache): void {
    const parts = [this, other].map((batch) => ({ batch, held: batch.#inner.contents() }));
    const like = parts.find(({ held }) => held !== undefined)?.held;
    const lengths = parts.map(({ held }) => held?.[0].dim(2) ?? 0);
    const length = Math.max(...lengths);
    const padding = parts.flatMap(({ batch }, i) => {
      const dropped = batch.#inner.length - (lengths[i] ?? 0);
      return batch.#padding.map((n) => Math.max(0, n - dropped) + length - (lengths[i] ?? 0));
    });
    if (like !== undefined) {
      const joined = (side: 0 | 1): MxArray =>
        concatenate(
          parts.map(({ batch, held }) => padded(held?.[side], batch.#padding.length, like[side], length)),
          0,
        );
      this.#hold(joined(0), joined(1));
    }
    this.#padding = padding;
    this.#place([...this.#next, ...other.#next]);
  }

  filter(rows: readonly number[]): void {
    tidy(() => this.#pick(rows));
  }

  #pick(rows: readonly number[]): void {
    const picked = (all: readonly number[]): number[] => rows.map((row) => all[row] ?? Number.NaN);
    const held = this.#inner.contents();
    const dropped = this.#inner.length - (held?.[0].dim(2) ?? 0);
    const padding = picked(this.#padding).map((n) => Math.max(0, n - dropped));
    if (padding.length === 0 || padding.some(Number.isNaN)) {
      throw new InvalidArgumentError(`Expected rows below ${this.#padding.length} but received [${rows}]`);
    }
    const common = held === undefined ? 0 : Math.min(...padding);
    if (held !== undefined) {
      const ids = array([...rows], int32);
      const kept = (all: MxArray): MxArray => take(from(all, common), ids, 0);
      this.#hold(kept(held[0]), kept(held[1]));
    }
    this.#padding = padding.map((n) => n - common);
    this.#place(picked(this.#next));
  }

  extract(row: number): LayerCache {
    const [padding, offset] = [this.#padding[row], this.#next[row]];
    const held = this.#inner.contents();
    if (padding === undefined || offset === undefined || held === undefined) {
      throw new InvalidArgumentError(`There is no row ${row} with contents among ${this.#padding.length}`);
    }
    const dropped = this.#inner.length - held[0].dim(2);
    const only = (all: MxArray): MxArray => {
      const [, K = 1, S = 1, D = 1] = all.shape;
      return contiguous(slice(all, [row, 0, Math.max(0, padding - dropped), 0], [row + 1, K, S, D]));
    };
    return tidy(() => this.#inner.holding(only(held[0]), only(held[1]), offset));
  }

  #hold(keys: MxArray, values: MxArray): void {
    const previous = this.#inner;
    this.#inner = previous.holding(keys, values);
    previous.dispose();
  }

  state(): MxArray[] {
    return this.#inner.state();
  }

  toBatch(): BatchCache {
    return this;
  }

  dispose(): void {
    this.#inner.dispose();
    this.#place([]);
    this.#place([]);
    this.#padding = [];
  }
}

/** `[B, K, S, D]` without its first positions. */
const from = (all: MxArray, start: number): MxArray => {
  if (start === 0) return all;
  return slice(all, [0, 0, start, 0], all.shape);
};

/** `x` with zeros before it to `length` positions; `rows` rows of zeros when there is none. */
const padded = (x: MxArray | undefined, rows: number, like: MxArray, length: number): MxArray => {
  const [, K = 1, , D = 1] = like.shape;
  const missing = length - (x?.dim(2) ?? 0);
  if (x !== undefined && missing === 0) return x;
  const room = zeros([rows, K, missing, D], like.dtype);
  return x === undefined ? room : concatenate([room, x], 2);
};
