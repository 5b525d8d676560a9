import { forkAll } from "./fork-all.ts";
import type { LayerCache } from "./layer-cache.ts";

/** Whether a cache goes back to any place by itself. */
const goesBack = (cache: LayerCache): boolean => cache.isTrimmable(Number.POSITIVE_INFINITY);

/** What a trial leaves. */
export interface TrialEnd {
  /** To go on with; others are disposed. */
  readonly caches: LayerCache[];
  /** Whether they are as before the update: what counts of it has to be evaluated again. */
  readonly isUndone: boolean;
}

/** An update of caches of which only a beginning may count in the end. */
export class CacheTrial {
  readonly #caches: readonly LayerCache[];
  /** Those that cannot go back within the update, as they were before it. */
  readonly #before: ReadonlyMap<LayerCache, LayerCache>;

  /** @param before - empty where all caches can go back within the update */
  private constructor(caches: readonly LayerCache[], before: ReadonlyMap<LayerCache, LayerCache>) {
    this.#caches = caches;
    this.#before = before;
  }

  /** Before the update. Undefined where caches neither go back nor can be forked. */
  static begin(caches: readonly LayerCache[]): CacheTrial | undefined {
    if (caches.every(({ isRevocable }) => isRevocable)) return new CacheTrial(caches, new Map());
    const stubborn = caches.filter((cache) => !goesBack(cache));
    const forks = forkAll(stubborn);
    if (forks === undefined) return undefined;
    return new CacheTrial(caches, new Map(stubborn.map((cache, i) => [cache, forks[i] ?? cache])));
  }

  /**
   * Ends it when the update has been evaluated.
   *
   * @param length - the update's positions
   * @param taken - those of them that do not count
   */
  end(length: number, taken: number): TrialEnd {
    if (taken === 0) {
      this.abandon();
    } else if (this.#before.size === 0) {
      for (const cache of this.#caches) cache.revoke(taken);
    } else {
      return { caches: this.#goBack(length), isUndone: true };
    }
    return { caches: [...this.#caches], isUndone: false };
  }

  #goBack(length: number): LayerCache[] {
    return this.#caches.map((cache) => {
      const before = this.#before.get(cache);
      if (before === undefined) cache.revoke(length);
      else cache.dispose();
      return before ?? cache;
    });
  }

  /** Ends it with whatever is there. */
  abandon(): void {
    for (const fork of this.#before.values()) fork.dispose();
  }
}
