import { attentionMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import { dequantize, type MxArray, quantize } from "../core/index.ts";
import { InvalidArgumentError, MlxError } from "../errors.ts";
import { ArraysCache } from "./arrays-cache.ts";
import { AttentionCache } from "./attention-cache.ts";
import { storedDtype } from "./kv-buffers.ts";
import { KVCache } from "./kv-cache.ts";
import type { LayerCache } from "./layer-cache.ts";

/** How keys and values are stored. */
export interface KVQuantization {
  readonly bits: 2 | 4 | 8;
  /** Neighbouring features that share a scale; divides those of a head. */
  readonly groupSize: 32 | 64 | 128;
  /** Positions that are there before any is quantized; then all are. */
  readonly start: number;
}

/** A part of keys and the same part of values, as if they were both. */
type Pair = [MxArray, MxArray];

/**
 * Keys and values of all positions so far, as integers of a few bits with a scale and a bias for each group. Attention gets
 * the numbers they stand for.
 *
 * @see mlx-lm 0.32.2 models/cache.py QuantizedKVCache, generate.py maybe_quantize_kv_cache
 */
export class QuantizedKVCache extends AttentionCache {
  readonly #format: KVQuantization;
  /** What came first, until it is quantized. */
  #plain: KVCache | undefined = new KVCache();
  readonly #numbers = new KVCache();
  readonly #scales = new KVCache();
  readonly #biases = new KVCache();
  #shift = 0;

  constructor(format: KVQuantization) {
    super();
    this.#format = format;
  }

  get #caches(): KVCache[] {
    return this.#plain === undefined ? [this.#numbers, this.#scales, this.#biases] : [this.#plain];
  }

  get #length(): number {
    return (this.#plain ?? this.#numbers).length;
  }

  get offset(): number {
    return this.#length + this.#shift;
  }

  shift(positions: number): void {
    this.#shift += positions;
  }

  get nbytes(): number {
    return this.#caches.reduce((sum, cache) => sum + cache.nbytes, 0);
  }

  updateAndFetch(keys: MxArray, values: MxArray): Pair {
    this.#quantizeFirst();
    return this.#plain?.updateAndFetch(keys, values) ?? this.#append(keys, values);
  }

  /** Quantizes what is there when it is enough. */
  #quantizeFirst(): void {
    const plain = this.#plain;
    const contents = plain?.contents();
    if (plain === undefined || contents === undefined || plain.length < this.#format.start) return;
    this.#plain = undefined;
    this.#append(...contents);
    plain.dispose();
  }

  #append(keys: MxArray, values: MxArray): Pair {
    const [k, v] = [this.#quantized(keys), this.#quantized(values)];
    const numbers = this.#numbers.updateAndFetch(k.numbers, v.numbers);
    const scales = this.#scales.updateAndFetch(k.scales, v.scales);
    const biases = this.#biases.updateAndFetch(k.biases, v.biases);
    const { groupSize, bits } = this.#format;
    const restored = (side: 0 | 1): MxArray => {
      const [s, b] = [scales[side].astype(keys.dtype), biases[side].astype(keys.dtype)];
      return dequantize(numbers[side], s, b, groupSize, bits); // [B, K, S, D]
    };
    return [restored(0), restored(1)];
  }

  #quantized(x: MxArray): { numbers: MxArray; scales: MxArray; biases: MxArray } {
    const { groupSize, bits } = this.#format;
    if (x.dim(3) % groupSize !== 0) {
      throw new InvalidArgumentError(
        `Groups of ${groupSize} do not divide this model's heads of ${x.dim(3)} features; take another kvGroupSize`,
      );
    }
    // rounded first, so that the numbers fit the scales as they are stored
    const [numbers = x, scales = x, biases = x] = quantize(x.astype(storedDtype(x.dtype)), groupSize, bits);
    return { numbers, scales, biases };
  }

  makeMask(L: number, options?: MaskOptions): Mask {
    return attentionMask(L, this.#length, options);
  }

  isTrimmable(): boolean {
    return true;
  }

  trim(n: number): number {
    const taken = this.#caches.map((cache) => cache.trim(n));
    return taken[0] ?? 0;
  }

  override revoke(n: number): void {
    for (const cache of this.#caches) cache.revoke(n);
  }

  state(): MxArray[] {
    return this.#caches.flatMap((cache) => cache.state());
  }

  dispose(): void {
    for (const cache of [this.#plain, this.#numbers, this.#scales, this.#biases]) cache?.dispose();
    this.#plain = new KVCache();
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
