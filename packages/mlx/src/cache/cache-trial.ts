import { forkAll } from "./fork-all.ts";
import type { LayerCache } from "./layer-cache.ts";

/** Whether a cache goes back to any place by itself. */
const goesBack = (cache: LayerCache): boolean => cache.isTrimmable(Number.POSITIVE_INFINITY);

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
   * @param taken - of the update's positions, those that do not count
   * @param replay - evaluates the others again, where caches had to go back to before the update
   * @returns the caches to go on with; others are disposed
   */
  end(length: number, taken: number, replay: (caches: readonly LayerCache[]) => void): LayerCache[] {
    if (taken === 0) {
      this.abandon();
    } else if (this.#before.size === 0) {
      for (const cache of this.#caches) cache.revoke(taken);
    } else {
      return this.#goBack(length, replay);
    }
    return [...this.#caches];
  }

  #goBack(length: number, replay: (caches: readonly LayerCache[]) => void): LayerCache[] {
    const caches = this.#caches.map((cache) => {
      const before = this.#before.get(cache);
      if (before === undefined) cache.revoke(length);
      else cache.dispose();
      return before ?? cache;
    });
    replay(caches);
    return caches;
  }

  /** Ends it with whatever is there. */
  abandon(): void {
    for (const fork of this.#before.values()) fork.dispose();
  }
}
