import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import { arange, bfloat16, type Dtype, fast, type MxArray, uint32 } from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { ArraysCache } from "./arrays-cache.ts";
import { AttentionCache } from "./attention-cache.ts";
import { BatchKVCache } from "./batch-kv-cache.ts";
import type { CacheRoom, NewPositions } from "./cache-room.ts";
import { type CacheSnapshot, fittingCounts, refuseSnapshot } from "./cache-snapshot.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { storedDtype } from "./kv-buffers.ts";
import { KVCache } from "./kv-cache.ts";
import type { BatchCache, LayerCache } from "./layer-cache.ts";

/** How keys and values are stored. */
export interface KVQuantization {
  readonly bits: 2 | 4 | 8;
  /** Neighbouring features that share a scale; divides those of a head. */
  readonly groupSize: 32 | 64 | 128;
  /** Positions that are there before any is quantized; then all are. */
  readonly start: number;
}

/**
 * Keys and values of all positions so far, as integers of a few bits with a scale and a bias for each group. Attention gets
 * the numbers they stand for; on the CPU it reads the integers themselves.
 *
 * @see mlx-lm 0.32.2 models/cache.py QuantizedKVCache, generate.py maybe_quantize_kv_cache
 */
export class QuantizedKVCache extends AttentionCache implements KeyValueCache {
  readonly #format: KVQuantization;
  /** What came first, until it is quantized. */
  #plain: KVCache | undefined = new KVCache();
  /** Positions as rows of words. */
  #rows = new KVCache();
  /** Of the rows' scales, from the first of them on. */
  #scales: Dtype | undefined;
  #shift = 0;

  constructor(format: KVQuantization) {
    super();
    this.#format = format;
  }

  get #held(): KVCache {
    return this.#plain ?? this.#rows;
  }

  get length(): number {
    return this.#held.length;
  }

  get offset(): number {
    return this.length + this.#shift;
  }

  shift(positions: number): void {
    this.#shift += positions;
  }

  get nbytes(): number {
    return this.#held.nbytes;
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    this.#quantizeFirst(this.#format.start);
    if (this.#plain !== undefined) return this.#plain.updateAndFetch(keys, values);
    const [k, v] = this.#rows.updateAndFetch(this.#quantized(keys), this.#quantized(values));
    return [this.#restored(k, keys.dtype), this.#restored(v, values.dtype)];
  }

  room(added: NewPositions): CacheRoom | undefined {
    this.#quantizeFirst(this.#format.start);
    const turns = [this.offset];
    if (this.#plain !== undefined) {
      const room = this.#plain.room(added);
      const until = Math.floor((this.#format.start - this.length) / added.L) - 1; // then all are quantized
      return room && { ...room, turns, left: Math.min(room.left ?? 0, until) };
    }
    const scales = this.#scalesFor(added.dtype);
    if (scales === bfloat16) return undefined; // only of models that compute in it
    const [D, valueDim] = [this.#words(added.D, scales), this.#words(added.valueDim, scales)];
    const room = this.#rows.room({ ...added, D, valueDim, dtype: uint32 });
    return room && { ...room, turns, quantization: this.#format };
  }

  /** Quantizes what is there when it is at least so many positions. */
  #quantizeFirst(least: number): void {
    const plain = this.#plain;
    const contents = plain?.contents();
    if (plain === undefined || contents === undefined || plain.length < least) return;
    this.#plain = undefined;
    this.#rows.updateAndFetch(this.#quantized(contents[0]), this.#quantized(contents[1]));
    plain.dispose();
  }

  #scalesFor(dtype: Dtype): Dtype {
    this.#scales ??= storedDtype(dtype);
    return this.#scales;
  }

  #quantized(x: MxArray): MxArray {
    const { groupSize, bits } = this.#format;
    const scales = this.#scalesFor(x.dtype);
    this.#words(x.dim(3), scales); // refuses other groups
    return fast.quantizeRows(x, groupSize, bits, scales); // [B, K, L, W]
  }

  #restored(rows: MxArray, dtype: Dtype): MxArray {
    const { groupSize, bits } = this.#format;
    return fast.dequantizeRows(rows, groupSize, bits, this.#scalesFor(dtype), dtype); // [B, K, S, D]
  }

  /** Words of 32 bits that features become. */
  #words(features: number, scales: Dtype): number {
    const { groupSize, bits } = this.#format;
    if (features % groupSize !== 0) {
      throw new InvalidArgumentError(
        `Groups of ${groupSize} do not divide this model's heads of ${features} features; take another kvGroupSize`,
      );
    }
    return (features * bits + (features / groupSize) * 16 * scales.size) / 32;
  }

  /** As rows of words, once there is enough for that. */
  contents(): [MxArray, MxArray] | undefined {
    this.#quantizeFirst(this.#format.start);
    return this.#held.contents();
  }

  /** @param keys - rows of words, as `values` */
  holding(keys: MxArray, values: MxArray, offset = keys.dim(2)): QuantizedKVCache {
    return this.#like(undefined, this.#rows.holding(keys, values), offset - keys.dim(2));
  }

  #like(plain: KVCache | undefined, rows: KVCache, shift = 0): QuantizedKVCache {
    const cache = new QuantizedKVCache(this.#format);
    cache.#plain = plain;
    cache.#rows = rows;
    cache.#scales = this.#scales;
    cache.#shift = shift;
    return cache;
  }

  oldest(): number {
    return 0;
  }

  positions(L: number): MxArray {
    return arange(0, this.length + L);
  }

  fork(): QuantizedKVCache {
    return this.#like(this.#plain?.fork(), this.#rows.fork());
  }

  snapshot(): CacheSnapshot {
    return { ...this.#held.snapshot(), counts: [this.#plain === undefined ? 1 : 0] };
  }

  restore(snapshot: CacheSnapshot): void {
    const [isQuantized] = fittingCounts(snapshot, 1);
    if (isQuantized === 1) this.#quantizeFirst(0);
    else if (this.#plain === undefined) refuseSnapshot();
    this.#held.restore(snapshot);
    this.#shift = 0;
  }

  /** Rows that are quantized at different times cannot share one buffer. */
  toBatch(leftPadding: readonly number[] = [0]): BatchCache | undefined {
    return this.#format.start === 0 ? new BatchKVCache(this, leftPadding) : undefined;
  }

  makeMask(L: number, options?: MaskOptions): Mask {
    return attentionMask(L, this.length, options);
  }

  isTrimmable(): boolean {
    return true;
  }

  trim(n: number): number {
    return this.#held.trim(n);
  }

  override revoke(n: number): void {
    this.#held.revoke(n);
  }

  state(): MxArray[] {
    return this.#held.state();
  }

  dispose(): void {
    this.#plain?.dispose();
    this.#rows.dispose();
    this.#plain = new KVCache();
    this.#scales = undefined;
    this.#shift = 0;
  }
}

/**
 * A model's fresh caches with those of keys and values quantized.
 *
 * @throws {MlxError} `unsupported-feature` for a model that forgets positions, or keeps no keys and values
 */
export const quantizedCaches = (caches: readonly LayerCache[], format: KVQuantization): LayerCache[] => {
  const isQuantizable = caches.some((cache) => cache instanceof KVCache);
  const fits = caches.every((cache) => cache instanceof KVCache || cache instanceof ArraysCache);
  if (!isQuantizable || !fits) {
    throw new MlxError(
      "unsupported-feature",
      "This model's memory cannot be quantized: not every layer keeps all keys and values, or a state instead of them. Leave kvBits out.",
      { details: { feature: "kvBits" } },
    );
  }
  return caches.map((cache) => (cache instanceof KVCache ? new QuantizedKVCache(format) : cache));
};
