import type { Mask } from "../blocks/mask.ts";
import type { MxArray } from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { CacheSnapshot } from "./cache-snapshot.ts";
import { forkAll } from "./fork-all.ts";
import type { BatchCache, LayerArrays, LayerCache } from "./layer-cache.ts";
import { restoreAll, snapshotAll } from "./snapshot-all.ts";

const refuse = (): never => {
  throw new InvalidArgumentError(
    "A layer asked a list of caches for what only its parts keep; use makeCache()",
  );
};

/** A cache for each part of a layer that mixes in several ways. @see mlx-lm 0.32.2 models/cache.py CacheList */
export class CacheList implements LayerCache {
  readonly #parts: readonly LayerCache[];

  constructor(...parts: readonly LayerCache[]) {
    this.#parts = parts;
  }

  get offset(): number | MxArray {
    return this.part(0).offset;
  }

  get nbytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.nbytes, 0);
  }

  part(i: number): LayerCache {
    return this.#parts[i] ?? refuse();
  }

  get arrays(): LayerArrays {
    return refuse();
  }

  updateAndFetch(_keys: MxArray, _values: MxArray): [MxArray, MxArray] {
    return refuse();
  }

  makeMask(): Mask {
    return refuse();
  }

  isTrimmable(ahead?: number): boolean {
    return this.#parts.every((part) => part.isTrimmable(ahead));
  }

  /** Takes back from all parts or from none. */
  trim(n: number): number {
    return this.isTrimmable() ? Math.min(...this.#parts.map((part) => part.trim(n))) : 0;
  }

  get isRevocable(): boolean {
    return this.#parts.every((part) => part.isRevocable);
  }

  revoke(n: number): void {
    for (const part of this.#parts) part.revoke(n);
  }

  toBatch(leftPadding?: readonly number[]): BatchCache | undefined {
    const batches = this.#parts.map((part) => part.toBatch?.(leftPadding));
    return batches.every((batch) => batch !== undefined) ? new BatchCacheList(...batches) : undefined;
  }

  fork(): LayerCache | undefined {
    const parts = this.forkParts();
    return parts && new CacheList(...parts);
  }

  protected forkParts(): LayerCache[] | undefined {
    return forkAll(this.#parts);
  }

  snapshot(): CacheSnapshot | undefined {
    const parts = snapshotAll(this.#parts);
    return parts && { arrays: [], counts: [], parts };
  }

  restore({ parts }: CacheSnapshot): void {
    restoreAll(this.#parts, parts);
  }

  state(): MxArray[] {
    return this.#parts.flatMap((part) => part.state());
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
  }
}

/** A batch for each part of a layer. */
class BatchCacheList extends CacheList implements BatchCache {
  readonly #batches: readonly BatchCache[];

  constructor(...batches: readonly BatchCache[]) {
    super(...batches);
    this.#batches = batches;
  }

  override toBatch(): BatchCache {
    return this;
  }

  extend(other: BatchCache): void {
    if (!(other instanceof BatchCacheList)) {
      throw new InvalidArgumentError("Only caches of one layer can be joined");
    }
    this.#batches.forEach((batch, i) => {
      batch.extend(other.#batches[i] ?? refuse());
    });
  }

  filter(rows: readonly number[]): void {
    for (const batch of this.#batches) batch.filter(rows);
  }

  extract(row: number): LayerCache {
    return new CacheList(...this.#batches.map((batch) => batch.extract(row)));
  }
}
