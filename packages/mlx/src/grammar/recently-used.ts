interface Entry<Value> {
  readonly value: Value;
  readonly size: number;
}

/** Values by key, the least recently used given up when all together are too large. */
export class RecentlyUsed<Value> {
  readonly #limit: number;
  readonly #giveUp: (value: Value) => void;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #size = 0;

  /**
   * @param limit - of all sizes together
   * @param giveUp - called with each value that is not kept any more. Default: nothing is done with it
   */
  constructor(limit: number, giveUp: (value: Value) => void = () => {}) {
    this.#limit = limit;
    this.#giveUp = giveUp;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value under a new key. One that is too large by itself is kept until the next one comes. */
  add(key: string, value: Value, size: number): void {
    this.#entries.set(key, { value, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#limit || oldest === key) return;
      this.#remove(oldest);
    }
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.#remove(key);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#size -= entry.size;
    this.#giveUp(entry.value);
  }
}
