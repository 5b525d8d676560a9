/** What a model remembers of earlier prompts and answers, for prompts that begin the same. */
import type { LayerCache } from "../cache/index.ts";
import * as mx from "../core/index.ts";

/** A token, or the image that a token stands for. */
export type PromptKey = number | string;

/** A sequence that was evaluated: its caches hold all tokens of `key`. */
export interface Remembered {
  readonly key: readonly PromptKey[];
  readonly caches: LayerCache[];
  /** By how much positions after images were moved. */
  readonly shift: number;
  /** Tokens of the prompt that it began as. */
  readonly promptLength: number;
}

/** Caches that hold the first tokens of a prompt. */
export interface PrefixHit {
  readonly caches: LayerCache[];
  readonly length: number;
}

/** Shorter beginnings are evaluated faster than they are copied. */
const SHORTEST = 16;

const commonLength = (a: readonly PromptKey[], b: readonly PromptKey[]): number => {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length += 1;
  return length;
};

const dispose = (caches: readonly (LayerCache | undefined)[]): void => {
  for (const cache of caches) cache?.dispose();
};

const bytesOf = ({ caches }: Remembered): number => caches.reduce((sum, { nbytes }) => sum + nbytes, 0);

/** Copies of the first `length` tokens, computed at once; undefined where some layer has none. */
export const copyCaches = (caches: readonly LayerCache[], length: number): LayerCache[] | undefined => {
  const copies = mx.tidy(() => caches.map((cache) => cache.copy?.(length)));
  if (!copies.every((copy) => copy !== undefined)) {
    dispose(copies);
    return undefined;
  }
  mx.evaluate(copies.map((copy) => copy.state()));
  return copies;
};

/** Sequences of one model, the least recently used forgotten first. */
export class PrefixCache {
  readonly #maxBytes: number;
  readonly #longFrom: number;
  /** Least recently used first. */
  #entries: Remembered[] = [];

  /**
   * @param maxBytes - of all caches together; 0 remembers nothing
   * @param longFrom - prompts of more tokens are read otherwise (LongRoPE), and have no beginning that shorter ones know
   */
  constructor(maxBytes: number, longFrom = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
    this.#longFrom = longFrom;
  }

  get isOn(): boolean {
    return this.#maxBytes > 0;
  }

  /**
   * Caches that hold as much of a prompt as there is, but for its last token; whoever takes them owns them. A sequence
   * that goes on where it ended is handed over, one that goes another way is copied.
   */
  take(key: readonly PromptKey[]): PrefixHit | undefined {
    const wanted = key.slice(0, -1);
    const isLong = key.length > this.#longFrom;
    const byLength = this.#entries
      .filter(({ promptLength }) => promptLength > this.#longFrom === isLong)
      .map((entry) => ({ entry, length: commonLength(entry.key, wanted) }))
      .filter(({ length }) => length >= SHORTEST)
      .sort((a, b) => b.length - a.length);
    for (const { entry, length } of byLength) {
      const isWhole = length === entry.key.length;
      const caches = isWhole ? entry.caches : copyCaches(entry.caches, length);
      if (caches === undefined) continue;
      this.#entries = this.#entries.filter((other) => other !== entry);
      if (!isWhole) this.#entries.push(entry);
      for (const cache of caches) cache.shift?.(-entry.shift); // its next tokens are of a prompt, which says their positions
      return { caches, length };
    }
    return undefined;
  }

  /** Takes over the caches of a sequence that has ended. */
  put(entry: Remembered): void {
    const bytes = bytesOf(entry);
    if (bytes > this.#maxBytes || entry.key.length < SHORTEST) {
      dispose(entry.caches);
      return;
    }
    mx.evaluate(entry.caches.map((cache) => cache.state()));
    const isPart = ({ key }: Remembered, of: Remembered): boolean =>
      commonLength(key, of.key) === key.length && of.caches.every((cache) => cache.isTrimmable());
    const kept = this.#entries.filter((other) => !isPart(other, entry));
    this.#drop(this.#entries.filter((other) => !kept.includes(other)));
    this.#entries = [...kept, entry];
    let surplus = this.#entries.reduce((sum, one) => sum + bytesOf(one), 0) - this.#maxBytes;
    while (surplus > 0) {
      const oldest = this.#entries.shift();
      if (oldest === undefined) return;
      surplus -= bytesOf(oldest);
      dispose(oldest.caches);
    }
  }

  #drop(entries: readonly Remembered[]): void {
    for (const { caches } of entries) dispose(caches);
  }

  /** Forgets everything. */
  clear(): void {
    this.#drop(this.#entries);
    this.#entries = [];
  }
}
