import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import { promptLength } from "../blocks/prompt-length.ts";
import { arange, fast, type MxArray, share, slice, zeros } from "../core/index.ts";
import { AttentionCache } from "./attention-cache.ts";
import { BatchKVCache } from "./batch-kv-cache.ts";
import type { CacheRoom, NewPositions } from "./cache-room.ts";
import { type CacheSnapshot, fittingKeys } from "./cache-snapshot.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { KVBuffers, storedDtype } from "./kv-buffers.ts";
import type { BatchCache } from "./layer-cache.ts";

/** Positions added at once when the buffer is full: few copies, little waste. */
const STEP = 256;
/** The least that is added to long buffers, as a part of them: growing copies all of it. */
const SPARE = 1 / 16;

/** Keys and values of all positions so far, in a buffer that grows by steps. */
export class KVCache extends AttentionCache implements KeyValueCache {
  readonly #buffers = new KVBuffers();
  #capacity = 0;
  #offset = 0;
  #written = 0; // positions that earlier results and forks may hold
  #shift = 0;

  get offset(): number {
    return this.#offset + this.#shift;
  }

  get length(): number {
    return this.#offset;
  }

  shift(positions: number): void {
    this.#shift += positions;
  }

  get nbytes(): number {
    return this.#buffers.nbytes;
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    const [B = 1, K = 1, L = 0, D = 1] = keys.shape;
    this.#makeRoom({ B, K, L, D, valueDim: values.dim(3), dtype: keys.dtype });
    const start = this.#offset;
    this.#offset = start + L;
    const held = this.#buffers.settled ?? [keys, values];
    const appended = fast.appendToCache(...held, keys, values, start);
    const [allKeys = keys, allValues = values, usedKeys = keys, usedValues = values] = appended;
    this.#buffers.hold(allKeys, allValues);
    this.#written = this.#offset;
    return [usedKeys, usedValues];
  }

  room(added: NewPositions): CacheRoom | undefined {
    const start = this.#offset;
    const end = start + added.L;
    this.#makeRoom(added);
    const held = this.#buffers.unsettled;
    if (held === undefined) return undefined;
    const [keys, values] = held;
    const pass = (): void => {
      this.#offset += added.L;
    };
    const fill: CacheRoom["fill"] = (writer) => {
      this.#buffers.writtenBy(writer);
      pass();
    };
    const take = (allKeys: MxArray, allValues: MxArray): void => {
      this.#buffers.hold(allKeys, allValues);
      this.#offset = end;
      this.#written = end;
    };
    const left = Math.floor((this.#capacity - end) / added.L);
    const { writer: after } = this.#buffers;
    return { keys, values, start, end, turns: [this.offset], after, fill, take, left, pass };
  }

  /** Buffers for new positions behind the others, which nobody else holds. */
  #makeRoom({ B, K, L, D, valueDim, dtype }: NewPositions): void {
    if (this.#offset >= this.#written && this.#offset + L <= this.#capacity) return;
    const expected = promptLength() + 1 - this.#offset; // the answer goes on behind the prompt
    const added = Math.ceil(Math.max(L, expected, this.#offset * SPARE) / STEP) * STEP;
    const held = this.#buffers.settled ?? [D, valueDim].map((n) => zeros([B, K, 0, n], storedDtype(dtype)));
    this.#capacity = this.#offset + added;
    const [keys, values] = held.map((buffer) => fast.extendCache(buffer, this.#offset, this.#capacity));
    if (keys !== undefined && values !== undefined) this.#buffers.hold(keys, values);
    this.#written = this.#offset;
  }

  contents(): [MxArray, MxArray] | undefined {
    const held = this.#handedOut();
    if (held === undefined || this.#offset === 0) return undefined;
    return [first(held[0], this.#offset), first(held[1], this.#offset)];
  }

  /** Buffers that others will hold. */
  #handedOut(): [MxArray, MxArray] | undefined {
    this.#written = Math.max(this.#written, this.#offset);
    return this.#buffers.settled;
  }

  holding(keys: MxArray, values: MxArray, offset = keys.dim(2)): KVCache {
    const cache = new KVCache();
    cache.#fill(keys, values);
    cache.#shift = offset - cache.length;
    return cache;
  }

  #fill(keys: MxArray, values: MxArray): void {
    const length = keys.dim(2);
    this.#buffers.hold(keys, values);
    this.#capacity = length;
    this.#offset = length;
    this.#written = length;
    this.#shift = 0;
  }

  snapshot(): CacheSnapshot {
    return { arrays: this.contents() ?? [], counts: [], parts: [] };
  }

  restore(snapshot: CacheSnapshot): void {
    const held = fittingKeys(this.contents() ?? [], snapshot);
    if (held !== undefined) this.#fill(...held);
  }

  oldest(): number {
    return 0;
  }

  positions(L: number): MxArray {
    return arange(0, this.#offset + L);
  }

  fork(): KVCache {
    const forked = new KVCache();
    const held = this.#handedOut();
    if (held === undefined) return forked;
    forked.#buffers.hold(share(held[0]), share(held[1]));
    forked.#capacity = this.#capacity;
    forked.#offset = this.#offset;
    forked.#written = this.#capacity; // this cache goes on writing in place
    return forked;
  }

  toBatch(leftPadding: readonly number[] = [0]): BatchCache {
    return new BatchKVCache(this, leftPadding);
  }

  makeMask(L: number, options?: MaskOptions): Mask {
    return attentionMask(L, this.#offset, options);
  }

  isTrimmable(): boolean {
    return true;
  }

  trim(n: number): number {
    const taken = Math.min(this.#offset, n);
    this.#offset -= taken;
    return taken;
  }

  /** Nobody holds what is taken back, so that others may be written in its place. */
  override revoke(n: number): void {
    this.trim(n);
    this.#written = Math.min(this.#written, this.#offset);
  }

  state(): MxArray[] {
    return this.#handedOut() ?? [];
  }

  dispose(): void {
    this.#buffers.dispose();
    this.#capacity = 0;
    this.#offset = 0;
    this.#written = 0;
    this.#shift = 0;
  }
}

/** The first positions of a buffer. */
const first = (buffer: MxArray, length: number): MxArray => {
  const [B = 1, K = 1, , D = 1] = buffer.shape;
  return slice(buffer, [0, 0, 0, 0], [B, K, length, D]);
};
