import { attentionMask, causalMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import {
  arange,
  concatenate,
  greaterEqual,
  keep,
  type MxArray,
  replace,
  roll,
  slice,
  sliceUpdate,
  zeros,
} from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { AttentionCache } from "./attention-cache.ts";
import { BatchKVCache } from "./batch-kv-cache.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
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
  #keys: MxArray | undefined;
  #values: MxArray | undefined;
  #length = 0; // positions in the buffers
  #next = 0; // where the next single position goes
  #offset = 0;

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
    return (this.#keys?.nbytes ?? 0) + (this.#values?.nbytes ?? 0);
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    const L = keys.dim(2);
    return L === 1 ? this.#overwrite(keys, values) : this.#append(keys, values, L);
  }

  /** Several positions: put the buffer in temporal order, drop what no new position can see, append. */
  #append(keys: MxArray, values: MxArray, L: number): [MxArray, MxArray] {
    const appended = (buffer: MxArray | undefined, added: MxArray): MxArray => {
      if (buffer === undefined) return added;
      const ordered = this.#inOrder(buffer);
      return this.#dropOldest(ordered, ordered.dim(2) - this.#maxSize + 1, added);
    };
    const nextKeys = appended(this.#keys, keys);
    const nextValues = appended(this.#values, values);
    this.#keys = replace(this.#keys, nextKeys);
    this.#values = replace(this.#values, nextValues);
    this.#offset += L;
    this.#length = nextKeys.dim(2);
    this.#next = this.#length;
    return [nextKeys, nextValues];
  }

  /** One position: in place, over the oldest one when the buffer is full. */
  #overwrite(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    if (this.#keys === undefined || (this.#offset >= this.#length && this.#length < this.#maxSize)) {
      this.#grow(keys, values);
    }
    const surplus = this.#length - this.#maxSize;
    if (surplus > 0 && this.#keys !== undefined && this.#values !== undefined) {
      this.#keys = replace(this.#keys, this.#dropOldest(this.#keys, surplus));
      this.#values = replace(this.#values, this.#dropOldest(this.#values, surplus));
      this.#length = this.#maxSize;
      this.#next = this.#maxSize;
    }
    if (this.#next === this.#maxSize) this.#next = this.#keep;
    this.#keys = replace(this.#keys, this.#write(this.#keys, keys));
    this.#values = replace(this.#values, this.#write(this.#values, values));
    this.#offset += 1;
    this.#next += 1;
    if (this.#offset >= this.#length) return [this.#keys, this.#values];
    return [cut(this.#keys, 0, this.#offset), cut(this.#values, 0, this.#offset)];
  }

  #write(buffer: MxArray | undefined, update: MxArray): MxArray {
    const [B = 1, K = 1, , D = 1] = update.shape;
    return sliceUpdate(buffer ?? update, update, [0, 0, this.#next, 0], [B, K, this.#next + 1, D]);
  }

  #grow(keys: MxArray, values: MxArray): void {
    const added = Math.min(STEP, this.#maxSize - this.#offset);
    const extended = (buffer: MxArray | undefined, like: MxArray): MxArray => {
      const [B = 1, K = 1, , D = 1] = like.shape;
      const room = zeros([B, K, added, D], like.dtype);
      return replace(buffer, buffer === undefined ? room : concatenate([buffer, room], 2));
    };
    this.#keys = extended(this.#keys, keys);
    this.#values = extended(this.#values, values);
    this.#next = this.#offset;
    this.#length = this.#keys.dim(2);
  }

  #inOrder(buffer: MxArray): MxArray {
    if (this.#next === this.#length) return buffer;
    if (this.#next >= this.#offset) return cut(buffer, 0, this.#next);
    return concatenate(
      [
        cut(buffer, 0, this.#keep),
        cut(buffer, this.#next, this.#length),
        cut(buffer, this.#keep, this.#next),
      ],
      2,
    );
  }

  #dropOldest(buffer: MxArray, count: number, added?: MxArray): MxArray {
    const length = buffer.dim(2);
    const kept = count > 0 ? [cut(buffer, 0, this.#keep), cut(buffer, count + this.#keep, length)] : [buffer];
    const parts = added === undefined ? kept : [...kept, added];
    return parts.length === 1 ? buffer : concatenate(parts, 2);
  }

  contents(): [MxArray, MxArray] | undefined {
    if (this.#keys === undefined || this.#values === undefined || this.#offset === 0) return undefined;
    const latest = (buffer: MxArray): MxArray => {
      const ordered = this.#inOrder(buffer);
      const end = Math.min(this.#offset, ordered.dim(2));
      return cut(ordered, Math.max(0, end - this.#maxSize), end);
    };
    return [latest(this.#keys), latest(this.#values)];
  }

  holding(keys: MxArray, values: MxArray, offset = keys.dim(2)): RotatingKVCache {
    const cache = new RotatingKVCache(this.#maxSize, this.#keep);
    cache.#keys = keep(keys);
    cache.#values = keep(values);
    cache.#length = keys.dim(2);
    cache.#next = cache.#length;
    cache.#offset = offset;
    return cache;
  }

  oldest(L: number): number {
    const kept = L === 1 ? this.#maxSize : this.#maxSize - 1 + L;
    return Math.max(0, this.#offset + L - kept);
  }

  positions(L: number): MxArray {
    const ordered = arange(this.oldest(L), this.#offset + L);
    return L === 1 ? roll(ordered, this.#slot() + 1) : ordered;
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
    return offset + L > size || asArray ? causalMask(L, offset, size) : attentionMask(L, offset);
  }

  /** The buffer holds more than the window lets one position see: hide the rest, in buffer order. */
  #singleMask(window: number): Mask {
    if (this.#offset < window || this.#maxSize <= window) return undefined;
    const size = Math.min(this.#offset + 1, this.#maxSize);
    return roll(greaterEqual(arange(0, size), size - window), this.#slot() + 1);
  }

  isTrimmable(): boolean {
    return this.#offset < this.#maxSize;
  }

  trim(n: number): number {
    if (!this.isTrimmable()) return 0; // overwritten positions cannot come back
    const taken = Math.min(this.#offset, n);
    this.#offset -= taken;
    this.#next -= taken;
    return taken;
  }

  state(): MxArray[] {
    return [this.#keys, this.#values].filter((array) => array !== undefined);
  }

  dispose(): void {
    this.#keys?.dispose();
    this.#values?.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#length = 0;
    this.#next = 0;
    this.#offset = 0;
  }
}
