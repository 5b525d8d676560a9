import { abortable } from "../abortable.ts";

/** What the cache holds: something that can be freed. */
export interface CacheableModel {
  /** Frees it. */
  dispose(): Promise<void>;
}

/** What a load gets to work with. */
export interface LoadContext {
  /** Fires when nobody waits for the model any more. */
  readonly signal: AbortSignal;
  /** Frees idle models until one more fits the limit; with `all`, every idle one. */
  makeRoom(all?: boolean): Promise<void>;
}

/** A model in use; it is not evicted before `release`. */
export interface Lease<M> {
  readonly model: M;
  release(): void;
}

interface Entry<M> {
  loading: Promise<M>;
  readonly abort: AbortController;
  /** Known once loaded. */
  model?: M;
  /** Calls that use it or wait for it. */
  leases: number;
  /** Instances that used it and were not unloaded. */
  readonly holders: Set<object>;
  /** Out of the cache; freed with its last lease. */
  retired: boolean;
}

/**
 * Loaded models, shared by everybody in the process, the least recently used evicted.
 *
 * Several requests for a model that is loading wait for one load. A failed load is not kept. A model in use is never
 * evicted: the limit is exceeded until it is idle.
 */
export class ModelCache<M extends CacheableModel> {
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry<M>>();
  #limit: number;

  /** @param limit - models kept at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Keys of the models, most recently used first. */
  get keys(): string[] {
    return [...this.#entries.keys()].reverse();
  }

  /** Loaded models that an instance used and did not give up, most recently used first. */
  heldBy(holder: object): M[] {
    const held = [...this.#entries.values()].filter(({ holders }) => holders.has(holder));
    return held.flatMap(({ model }) => model ?? []).reverse();
  }

  /** Sets the number of models kept, and evicts what is too many. */
  async setLimit(limit: number): Promise<void> {
    this.#limit = limit;
    await this.#evict(limit);
  }

  /**
   * Takes a model into use, loading it where that has not begun.
   *
   * @param holder - the instance that asks; `forget` gives up its claim
   * @throws what `load` throws, or the signal's reason
   */
  async acquire(
    key: string,
    holder: object,
    load: (context: LoadContext) => Promise<M>,
    signal?: AbortSignal,
  ): Promise<Lease<M>> {
    signal?.throwIfAborted();
    const entry = this.#entries.get(key) ?? this.#start(key, load);
    this.#entries.delete(key);
    this.#entries.set(key, entry); // now the most recently used
    entry.leases++;
    entry.holders.add(holder);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      this.#release(key, entry);
    };
    try {
      return { model: await abortable(entry.loading, signal), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Gives up an instance's claims; models that nobody else claims are freed. */
  async forget(holder: object): Promise<void> {
    const unclaimed: Promise<void>[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.holders.delete(holder) && entry.holders.size === 0) unclaimed.push(this.#retire(key, entry));
    }
    await Promise.all(unclaimed);
  }

  /** Frees every model that is idle. */
  async clear(): Promise<void> {
    await this.#evict(0);
  }

  /** Takes out models that are of no use any more, such as those of a crashed engine. */
  async drop(isUseless: (model: M) => boolean): Promise<void> {
    const useless = [...this.#entries].filter(([, { model }]) => model !== undefined && isUseless(model));
    await Promise.all(useless.map(([key, entry]) => this.#retire(key, entry)));
  }

  #start(key: string, load: (context: LoadContext) => Promise<M>): Entry<M> {
    const abort = new AbortController();
    const makeRoom = (all = false) => this.#evict(all ? 0 : this.#limit - 1, key);
    const loading = load({ signal: abort.signal, makeRoom });
    const entry: Entry<M> = { loading, abort, leases: 0, holders: new Set(), retired: false };
    loading.then(
      (model) => {
        entry.model = model;
        if (entry.retired && entry.leases === 0) void free(model);
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry;
  }

  #release(key: string, entry: Entry<M>): void {
    entry.leases--;
    if (entry.leases > 0) return;
    if (entry.model === undefined) {
      entry.retired = true;
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      entry.abort.abort();
    } else if (entry.retired) {
      void free(entry.model);
    } else {
      void this.#evict(this.#limit);
    }
  }

  /** Frees idle models, least recently used first, until at most `count` are left beside `except`. */
  async #evict(count: number, except?: string): Promise<void> {
    const others = [...this.#entries].filter(([key]) => key !== except);
    const surplus = others.length - count;
    const idle = others.filter(([, entry]) => entry.leases === 0).slice(0, Math.max(0, surplus));
    await Promise.all(idle.map(([key, entry]) => this.#retire(key, entry)));
  }

  async #retire(key: string, entry: Entry<M>): Promise<void> {
    entry.retired = true;
    this.#entries.delete(key);
    if (entry.leases === 0) await free(entry.model);
  }
}

/** A model that cannot be disposed of died with its engine and is free already. */
async function free(model: CacheableModel | undefined): Promise<void> {
  await model?.dispose().catch(() => {});
}
