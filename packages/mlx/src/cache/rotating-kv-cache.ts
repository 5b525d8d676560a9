import { attentionMask, causalMask, type Mask, type MaskOptions, ofWindow } from "../blocks/mask.ts";
import {
  arange,
  concatenate,
  fast,
  greaterEqual,
  type MxArray,
  roll,
  share,
  slice,
  sliceUpdate,
  zeros,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { AttentionCache } from "./attention-cache.ts";
import { BatchKVCache } from "./batch-kv-cache.ts";
import type { CacheRoom, NewPositions } from "./cache-room.ts";
import { type CacheSnapshot, fittingCounts, fittingKeys, refuseSnapshot } from "./cache-snapshot.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { KVBuffers, storedDtype } from "./kv-buffers.ts";
import type { BatchCache } from "./layer-cache.ts";

const STEP = 256;

const cut = (buffer: MxArray, start: number, stop: number): MxArray => {
  const [B = 1, K = 1, , D = 1] = buffer.shape;
  return slice(buffer, [0, 0, start, 0], [B, K, stop, D]);
};

/**
 * Keys and values of the last `maxSize` positions, and of the first `keep` ones; older ones are overwritten.
 *
 * @see mlx-lm 0.32.2 models/cache.py RotatingKVCache
 */
export class RotatingKVCache extends AttentionCache implements KeyValueCache {
  readonly #maxSize: number;
  readonly #keep: number;
  readonly #buffers = new KVBuffers();
  #length = 0; // rows of the buffers
  #next = 0; // where the next single position goes
  #offset = 0;
  #hasSpare = false; // rows before `next` are in order, and the others free
  #written = 0; // in that case, rows that earlier results and forks may hold

  constructor(maxSize: number, keep = 0) {
    super();
    if (!Number.isInteger(maxSize) || maxSize < 1 || keep < 0 || keep >= maxSize) {
      throw new InvalidArgumentError(
        `A rotating cache needs 0 <= keep < maxSize but received ${keep} and ${maxSize}`,
      );
    }
    this.#maxSize = maxSize;
    this.#keep = keep;
  }

  get offset(): number {
    return this.#offset;
  }

  get length(): number {
    return this.#offset;
  }

  get nbytes(): number {
    return this.#buffers.nbytes;
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    const [B = 1, K = 1, L = 0, D = 1] = keys.shape;
    const [valueDim, dtype] = [values.dim(3), keys.dtype];
    this.#closeSpare();
    if (L !== 1) return this.#append(keys, values, L);
    const slot = this.#makeSlot({ B, K, L, D, valueDim, dtype });
    const [oldKeys, oldValues] = this.#buffers.settled ?? [keys, values];
    const [allKeys, allValues] = [written(oldKeys, keys, slot), written(oldValues, values, slot)];
    this.#hold(allKeys, allValues);
    this.#passOne(slot);
    if (this.#offset >= this.#length) return [allKeys, allValues];
    return [cut(allKeys, 0, this.#offset), cut(allValues, 0, this.#offset)];
  }

  room(added: NewPositions): CacheRoom | undefined {
    if (this.#keep > 0) return undefined;
    const { L } = added;
    this.#makeSpare(added);
    const held = this.#buffers.unsettled;
    if (held === undefined) return undefined;
    const [keys, values] = held;
    const start = this.#next;
    const pass = (): void => {
      this.#next += L;
      this.#offset += L;
    };
    const fill: CacheRoom["fill"] = (writer) => {
      this.#buffers.writtenBy(writer);
      pass();
    };
    const left = Math.floor((this.#length - start - L) / L);
    const { writer: after } = this.#buffers;
    const window = this.#maxSize;
    return { keys, values, start, end: start + L, window, turns: [this.#offset], after, fill, left, pass };
  }

  /** Buffers with rows behind the others that nobody else holds. What is left behind by them is not seen any more. */
  #makeSpare({ B, K, L, D, valueDim, dtype }: NewPositions): void {
    if (this.#hasSpare && this.#next >= this.#written && this.#next + L <= this.#length) return;
    const held = this.#buffers.settled ?? [D, valueDim].map((n) => zeros([B, K, 0, n], storedDtype(dtype)));
    const seen = held.map((buffer) => this.#seen(buffer));
    const kept = seen[0]?.dim(2) ?? 0;
    const [keys, values] = seen.map((rows) => fast.extendCache(rows, kept, kept + Math.max(L, STEP)));
    if (keys === undefined || values === undefined) return;
    this.#hold(keys, values);
    this.#hasSpare = true;
    this.#next = kept;
    this.#written = kept;
  }

  /** Lets go of the rows behind the others, and of those that are not seen any more. */
  #closeSpare(): void {
    if (!this.#hasSpare) return;
    const held = this.#buffers.settled;
    if (held !== undefined) this.#hold(this.#seen(held[0]), this.#seen(held[1]));
    this.#next = this.#length;
  }

  #hold(keys: MxArray, values: MxArray): void {
    this.#buffers.hold(keys, values);
    this.#length = keys.dim(2);
    this.#hasSpare = false;
  }

  /** What others will hold. */
  #handedOut(): [MxArray, MxArray] | undefined {
    this.#written = Math.max(this.#written, this.#next);
    return this.#buffers.settled;
  }

  /** Several positions: put the buffer in temporal order, drop what no new position can see, append. */
  #append(keys: MxArray, values: MxArray, L: number): [MxArray, MxArray] {
    const held = this.#buffers.settled;
    const appended = (buffer: MxArray | undefined, added: MxArray): MxArray => {
      const stored = added.astype(buffer?.dtype ?? storedDtype(added.dtype));
      if (buffer === undefined) return stored;
      const ordered = this.#inOrder(buffer);
      return this.#dropOldest(ordered, ordered.dim(2) - this.#maxSize + 1, stored);
    };
    const [nextKeys, nextValues] = [appended(held?.[0], keys), appended(held?.[1], values)];
    this.#hold(nextKeys, nextValues);
    this.#offset += L;
    this.#next = this.#length;
    return [nextKeys, nextValues];
  }

  /** Where a single position goes: behind the others, or over the oldest one when the buffer is full. */
  #makeSlot(added: NewPositions): number {
    const isFull = this.#length >= this.#maxSize;
    if (this.#buffers.unsettled === undefined || (this.#offset >= this.#length && !isFull)) this.#grow(added);
    const held = this.#buffers.unsettled;
    const surplus = this.#length - this.#maxSize;
    if (surplus > 0 && held !== undefined) {
      const [keys, values] = this.#buffers.settled ?? held;
      this.#hold(this.#dropOldest(keys, surplus), this.#dropOldest(values, surplus));
      this.#next = this.#maxSize;
    }
    return this.#next === this.#maxSize ? this.#keep : this.#next;
  }

  #passOne(slot: number): void {
    this.#offset += 1;
    this.#next = slot + 1;
  }

  #grow({ B, K, D, valueDim, dtype }: NewPositions): void {
    const added = Math.min(STEP, this.#maxSize - this.#offset);
    const held = this.#buffers.settled;
    const extended = (buffer: MxArray | undefined, width: number): MxArray => {
      const room = zeros([B, K, added, width], buffer?.dtype ?? storedDtype(dtype));
      return buffer === undefined ? room : concatenate([buffer, room], 2);
    };
    this.#hold(extended(held?.[0], D), extended(held?.[1], valueDim));
    this.#next = this.#offset;
  }

  /** The rows that count, oldest first. */
  #inOrder(buffer: MxArray): MxArray {
    if (this.#next === this.#length) return buffer;
    if (this.#hasSpare || this.#next >= this.#offset) return cut(buffer, 0, this.#next);
    return concatenate(
      [
        cut(buffer, 0, this.#keep),
        cut(buffer, this.#next, this.#length),
        cut(buffer, this.#keep, this.#next),
      ],
      2,
    );
  }

  /** The rows of the window, oldest first. */
  #seen(buffer: MxArray): MxArray {
    const ordered = this.#inOrder(buffer);
    const end = Math.min(this.#offset, ordered.dim(2));
    return cut(ordered, Math.max(0, end - this.#maxSize), end);
  }

  #dropOldest(buffer: MxArray, count: number, added?: MxArray): MxArray {
    const length = buffer.dim(2);
    const kept = count > 0 ? [cut(buffer, 0, this.#keep), cut(buffer, count + this.#keep, length)] : [buffer];
    const parts = added === undefined ? kept : [...kept, added];
    return parts.length === 1 ? buffer : concatenate(parts, 2);
  }

  contents(): [MxArray, MxArray] | undefined {
    const held = this.#handedOut();
    if (held === undefined || this.#offset === 0) return undefined;
    return [this.#seen(held[0]), this.#seen(held[1])];
  }

  holding(keys: MxArray, values: MxArray, offset = keys.dim(2)): RotatingKVCache {
    const cache = new RotatingKVCache(this.#maxSize, this.#keep);
    cache.#hold(keys, values);
    cache.#next = cache.#length;
    cache.#offset = offset;
    return cache;
  }

  /** The buffers as they lie, so that what follows is summed in the same order. */
  snapshot(): CacheSnapshot {
    this.#closeSpare();
    return { arrays: this.#handedOut() ?? [], counts: [this.#next, this.#offset], parts: [] };
  }

  restore(snapshot: CacheSnapshot): void {
    const [next = 0, offset = 0] = fittingCounts(snapshot, 2);
    const held = fittingKeys(this.state(), snapshot);
    if (held === undefined) return;
    const length = held[0].dim(2);
    const isFull = length >= this.#maxSize;
    if (offset < length ? next !== offset : next > length || (!isFull && offset > length)) refuseSnapshot();
    this.#hold(...held);
    this.#next = next;
    this.#offset = offset;
  }

  oldest(L: number): number {
    const kept = L === 1 ? this.#maxSize : this.#maxSize - 1 + L;
    return Math.max(0, this.#offset + L - kept);
  }

  positions(L: number): MxArray {
    const ordered = arange(this.oldest(L), this.#offset + L);
    return L === 1 ? roll(ordered, this.#slot() + 1) : ordered;
  }

  fork(): RotatingKVCache {
    const forked = new RotatingKVCache(this.#maxSize, this.#keep);
    const held = this.#handedOut();
    if (held === undefined) return forked;
    forked.#hold(share(held[0]), share(held[1]));
    forked.#next = this.#next;
    forked.#offset = this.#offset;
    forked.#hasSpare = this.#hasSpare;
    forked.#written = this.#length; // this cache goes on writing in place
    return forked;
  }

  /** Rows that start at different places cannot share the first positions of one buffer. */
  toBatch(leftPadding: readonly number[] = [0]): BatchCache | undefined {
    return this.#keep === 0 ? new BatchKVCache(this, leftPadding) : undefined;
  }

  /** Where the next single position will be written. */
  #slot(): number {
    return this.#next >= this.#maxSize ? 0 : this.#next;
  }

  makeMask(L: number, { window, asArray = false }: MaskOptions = {}): Mask {
    if (L === 1) return window === undefined ? undefined : this.#singleMask(window);
    const size = window ?? this.#maxSize;
    const offset = Math.min(this.#maxSize - 1, this.#offset);
    return offset + L > size || asArray
      ? ofWindow(causalMask(L, offset, size), size)
      : attentionMask(L, offset);
  }

  /** The buffer holds more than the window lets one position see: hide the rest, in buffer order. */
  #singleMask(window: number): Mask {
    if (this.#offset < window || this.#maxSize <= window) return undefined;
    const size = Math.min(this.#offset + 1, this.#maxSize);
    return roll(greaterEqual(arange(0, size), size - window), this.#slot() + 1);
  }

  isTrimmable(ahead = 0): boolean {
    return this.#offset + ahead < this.#maxSize;
  }

  trim(n: number): number {
    if (!this.isTrimmable()) return 0; // overwritten positions cannot come back
    const taken = Math.min(this.#offset, n);
    this.#offset -= taken;
    this.#next -= taken;
    return taken;
  }

  /** An update of several positions drops only what its first one does not see. */
  override revoke(n: number): void {
    if (this.#hasSpare) {
      this.#offset -= n;
      this.#next -= n;
      this.#written = Math.min(this.#written, this.#next);
      return;
    }
    const held = this.#buffers.settled;
    const length = this.#length - n;
    if (held !== undefined) this.#hold(cut(held[0], 0, length), cut(held[1], 0, length));
    this.#offset -= n;
    this.#next = length;
  }

  state(): MxArray[] {
    return this.#handedOut() ?? [];
  }

  dispose(): void {
    this.#buffers.dispose();
    this.#length = 0;
    this.#next = 0;
    this.#offset = 0;
    this.#hasSpare = false;
    this.#written = 0;
  }
}

/** A copy of `buffer` with `update` at positions from `start` on. */
const written = (buffer: MxArray, update: MxArray, start: number): MxArray => {
  const [B = 1, K = 1, L = 1, D = 1] = update.shape;
  return sliceUpdate(buffer, update.astype(buffer.dtype), [0, 0, start, 0], [B, K, start + L, D]);
};
