import { chunkedMask, type Mask, type MaskOptions } from "../blocks/mask.ts";
import { type MxArray, slice } from "../core/index.ts";
import { AttentionCache } from "./attention-cache.ts";
import { type CacheSnapshot, fittingCounts } from "./cache-snapshot.ts";
import { KVCache } from "./kv-cache.ts";

/** Older positions are dropped this many at a time: each time copies what stays. */
const STEP = 256;

/**
 * Keys and values for layers that attend within a chunk. What no new position can see is dropped now and then.
 *
 * @see mlx-lm 0.32.2 models/cache.py ChunkedKVCache
 */
export class ChunkedKVCache extends AttentionCache {
  readonly #chunkSize: number;
  #kept: KVCache;
  #start: number; // position of the first key that is kept

  constructor(chunkSize: number, kept = new KVCache(), start = 0) {
    super();
    this.#chunkSize = chunkSize;
    this.#kept = kept;
    this.#start = start;
  }

  get offset(): number {
    return this.#start + this.#kept.offset;
  }

  get nbytes(): number {
    return this.#kept.nbytes;
  }

  /** How many positions the next update drops. */
  get #surplus(): number {
    const surplus = this.#kept.offset - this.#chunkSize;
    return surplus >= STEP ? surplus : 0;
  }

  updateAndFetch(keys: MxArray, values: MxArray): [MxArray, MxArray] {
    if (this.#surplus > 0) this.#dropFront(this.#surplus);
    return this.#kept.updateAndFetch(keys, values);
  }

  #dropFront(count: number): void {
    const end = this.#kept.offset;
    const [keys, values] = this.#kept.state().map((buffer) => {
      const [B = 1, K = 1, , D = 1] = buffer.shape;
      return slice(buffer, [0, 0, count, 0], [B, K, end, D]);
    });
    if (keys === undefined || values === undefined) return;
    const kept = new KVCache();
    kept.updateAndFetch(keys, values);
    this.#kept.dispose();
    this.#kept = kept;
    this.#start += count;
  }

  makeMask(L: number, { chunk = this.#chunkSize }: MaskOptions = {}): Mask {
    return chunkedMask(L, { offset: this.offset, start: this.#start + this.#surplus, chunk });
  }

  /** Until positions were dropped: they cannot come back. */
  isTrimmable(ahead = 0): boolean {
    return this.#start === 0 && (ahead === 0 || this.#kept.offset + ahead < this.#chunkSize + STEP);
  }

  trim(n: number): number {
    return this.isTrimmable() ? this.#kept.trim(n) : 0;
  }

  /** What an update drops lies a chunk before its first position. */
  override revoke(n: number): void {
    this.#kept.trim(n);
  }

  fork(): ChunkedKVCache {
    return new ChunkedKVCache(this.#chunkSize, this.#kept.fork(), this.#start);
  }

  snapshot(): CacheSnapshot {
    return { ...this.#kept.snapshot(), counts: [this.#start] };
  }

  restore(snapshot: CacheSnapshot): void {
    const [start = 0] = fittingCounts(snapshot, 1);
    this.#kept.restore(snapshot);
    this.#start = start;
  }

  state(): MxArray[] {
    return this.#kept.state();
  }

  dispose(): void {
    this.#kept.dispose();
    this.#start = 0;
  }
}
