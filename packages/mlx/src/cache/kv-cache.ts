import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import {
  arange,
  concatenate,
  type Dtype,
  fast,
  float16,
  float32,
  keep,
  type MxArray,
  replace,
  roundsActivations,
  slice,
  sliceUpdate,
  zeros,
} from "../core/index.ts";
import { AttentionCache } from "./attention-cache.ts";
import { BatchKVCache } from "./batch-kv-cache.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import type { BatchCache } from "./layer-cache.ts";

/** Positions added at once when the buffer is full: few copies, little waste. */
const STEP = 256;

/** Half the memory to read, where the model computes in float32 only because the CPU does. */
const storedDtype = (dtype: Dtype): Dtype => (dtype === float32 && roundsActivations() ? float16 : dtype);

/** Sizes of new keys `[B, K, L, D]` and values `[B, K, L, valueDim]`. */
export interface NewPositions {
  readonly B: number;
  readonly K: number;
  readonly L: number;
  readonly D: number;
  readonly valueDim: number;
  readonly dtype: Dtype;
}

/** Keys and values of all positions so far, in a buffer that grows by steps. */
export class KVCache extends AttentionCache implements KeyValueCache {
  #keys: MxArray | undefined;
  #values: MxArray | undefined;
  #capacity = 0;
  #offset = 0;
  #written = 0; // positions that earlier results may hold
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
    return (this.#keys?.nbytes ?? 0) + (this.#values?.nbytes ?? 0);
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    const [B = 1, K = 1, L = 0, D = 1] = keys.shape;
    const valueDim = values.dim(3);
    const start = this.#offset;
    const end = start + L;
    if (end > this.#capacity) this.#grow({ B, K, L, D, valueDim, dtype: keys.dtype });
    this.#offset = end;
    if (start >= this.#written) return this.#append(keys, values, start);
    const allKeys = this.#write(this.#keys ?? keys, keys, [B, K, end, D], start);
    const allValues = this.#write(this.#values ?? values, values, [B, K, end, valueDim], start);
    this.#keys = replace(this.#keys, allKeys);
    this.#values = replace(this.#values, allValues);
    this.#written = Math.max(this.#written, end);
    if (end === this.#capacity) return [allKeys, allValues];
    const from = [0, 0, 0, 0];
    return [slice(allKeys, from, [B, K, end, D]), slice(allValues, from, [B, K, end, valueDim])];
  }

  /** Behind everything written so far: in place. */
  #append(keys: MxArray, values: MxArray, start: number): [MxArray, MxArray] {
    const [allKeys, allValues, usedKeys = keys, usedValues = values] = fast.appendToCache(
      this.#keys ?? keys,
      this.#values ?? values,
      keys,
      values,
      start,
    );
    this.#keys = allKeys && replace(this.#keys, allKeys);
    this.#values = allValues && replace(this.#values, allValues);
    this.#written = this.#offset;
    return [usedKeys, usedValues];
  }

  /**
   * Lets an operation write new positions into both buffers itself.
   *
   * @param write - gets buffers `[B, K, C, D]` with room from position `start` on, and gives them back written; undefined
   *   where it does not
   * @returns whether there are new positions
   */
  appendWith(
    added: NewPositions,
    write: (buffers: [MxArray, MxArray], start: number) => [MxArray, MxArray] | undefined,
  ): boolean {
    const start = this.#offset;
    if (start < this.#written) return false; // an earlier result may hold these positions
    if (start + added.L > this.#capacity) this.#grow(added);
    if (this.#keys === undefined || this.#values === undefined) return false;
    const written = write([this.#keys, this.#values], start);
    if (written === undefined) return false;
    this.#keys = replace(this.#keys, written[0]);
    this.#values = replace(this.#values, written[1]);
    this.#offset = start + added.L;
    this.#written = this.#offset;
    return true;
  }

  #write(buffer: MxArray, update: MxArray, stop: readonly number[], start: number): MxArray {
    return sliceUpdate(buffer, update.astype(buffer.dtype), [0, 0, start, 0], stop);
  }

  #grow({ B, K, L, D, valueDim, dtype }: NewPositions): void {
    const added = Math.ceil(L / STEP) * STEP;
    this.#keys = this.#extended(this.#keys, [B, K, added, D], dtype);
    this.#values = this.#extended(this.#values, [B, K, added, valueDim], dtype);
    this.#capacity = this.#offset + added;
    this.#written = this.#offset;
  }

  /** `buffer` cut to what is used, with free positions of the given shape behind it. */
  #extended(
    buffer: MxArray | undefined,
    [B, K, added, D]: [number, number, number, number],
    dtype: Dtype,
  ): MxArray {
    const room = zeros([B, K, added, D], buffer?.dtype ?? storedDtype(dtype));
    if (buffer === undefined) return replace(undefined, room);
    const used = slice(buffer, [0, 0, 0, 0], [B, K, this.#offset, D]);
    return replace(buffer, concatenate([used, room], 2));
  }

  contents(): [MxArray, MxArray] | undefined {
    if (this.#keys === undefined || this.#values === undefined || this.#offset === 0) return undefined;
    const used = (buffer: MxArray): MxArray => {
      const [B = 1, K = 1, , D = 1] = buffer.shape;
      return slice(buffer, [0, 0, 0, 0], [B, K, this.#offset, D]);
    };
    return [used(this.#keys), used(this.#values)];
  }

  holding(keys: MxArray, values: MxArray, offset = keys.dim(2)): KVCache {
    const length = keys.dim(2);
    const cache = new KVCache();
    cache.#keys = keep(keys);
    cache.#values = keep(values);
    cache.#capacity = length;
    cache.#offset = length;
    cache.#written = length;
    cache.#shift = offset - length;
    return cache;
  }

  oldest(): number {
    return 0;
  }

  positions(L: number): MxArray {
    return arange(0, this.#offset + L);
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

  state(): MxArray[] {
    return [this.#keys, this.#values].filter((array) => array !== undefined);
  }

  dispose(): void {
    this.#keys?.dispose();
    this.#values?.dispose();
    this.#keys = undefined;
    this.#values = undefined;
    this.#capacity = 0;
    this.#offset = 0;
    this.#written = 0;
    this.#shift = 0;
  }
}
