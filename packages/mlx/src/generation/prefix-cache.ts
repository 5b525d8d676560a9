/** What requests leave behind: caches for prompts that begin as those did. */
import { forkAll, type LayerCache } from "../cache/index.ts";
import * as mx from "../core/index.ts";
import {
  covers,
  type EvaluatedSequence,
  type Sequence,
  type StartOf,
  servedLength,
} from "./evaluated-sequence.ts";
import type { PrefixFolder } from "./prefix-folder/index.ts";

/** Part of the memory limit that one model's prefixes may take by default: thousands of tokens of a large model. */
const DEFAULT_SHARE = 1 / 8;
/** Part of the memory limit from which on prefixes make room: what a step of a model needs is below the rest. */
const PRESSURE = 0.9;

interface Entry extends EvaluatedSequence {
  readonly caches: readonly LayerCache[];
}

/** The beginning of a prompt that needs not be evaluated again. */
export interface Prefix {
  readonly caches: LayerCache[];
  /** Tokens that are in the caches. */
  readonly length: number;
}

const disposeAll = (caches: readonly LayerCache[]): void => {
  for (const layer of caches) layer.dispose();
};

/** The part of `caches` up to `length` of its `held` tokens, to be continued; undefined where that cannot be had. */
const forkTo = (caches: readonly LayerCache[], held: number, length: number): LayerCache[] | undefined => {
  const forks = forkAll(caches);
  const surplus = held - length;
  if (surplus === 0 || forks === undefined) return forks;
  if (forks.every((layer) => layer.trim(surplus) === surplus)) return forks;
  disposeAll(forks);
  return undefined;
};

/** Caches of earlier requests for one model, the least recently used forgotten when all take too much memory. */
export class PrefixCache {
  readonly #limitBytes: number;
  readonly #folder: PrefixFolder | undefined;
  /** Least recently used first. */
  #entries: Entry[] = [];

  /**
   * @param limitBytes - of all caches together; 0 keeps nothing. Default an eighth of the memory limit
   * @param folder - where they outlive the process. Default: they do not
   */
  constructor(limitBytes = Math.floor(mx.getMemoryLimit() * DEFAULT_SHARE), folder?: PrefixFolder) {
    this.#limitBytes = limitBytes;
    this.#folder = folder;
  }

  /** Whether anything is ever kept. */
  get isOn(): boolean {
    return this.#limitBytes > 0;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { caches }) => sum + bytesOf(caches), 0);
  }

  /** The longest known beginning of a sequence, as caches of the caller's own. */
  take(sequence: Sequence, startOf: StartOf): Prefix | undefined {
    this.#fetch(sequence, startOf);
    const candidates = this.#entries
      .map((entry) => ({ entry, length: servedLength(entry, sequence, startOf) }))
      .filter(({ length }) => length > 0)
      .sort((a, b) => b.length - a.length);
    for (const { entry, length } of candidates) {
      const caches = forkTo(entry.caches, entry.key.length, length);
      if (caches === undefined) continue;
      this.#touch(entry);
      return { caches, length };
    }
    return undefined;
  }

  /** Reads what serves a sequence better than what is there. */
  #fetch(sequence: Sequence, startOf: StartOf): void {
    if (this.#folder === undefined || !this.isOn) return;
    const known = Math.max(0, ...this.#entries.map((entry) => servedLength(entry, sequence, startOf)));
    const found = this.#folder.take(sequence, startOf, { known, mostBytes: this.#limitBytes });
    if (found !== undefined) this.#add({ ...sequence, ...found });
  }

  /** Keeps the caches of a sequence, which must have been evaluated; takes them over. */
  keep(sequence: Sequence, caches: readonly LayerCache[]): void {
    this.#add({ ...sequence, caches, isTrimmable: caches.every((layer) => layer.isTrimmable()) });
  }

  #add(entry: Entry): void {
    const { caches } = entry;
    const longer = this.#entries.find((other) => covers(other, entry));
    if (longer !== undefined || bytesOf(caches) > this.#limitBytes) {
      disposeAll(caches);
      if (longer !== undefined) this.#touch(longer);
      return;
    }
    this.#forget((other) => covers(entry, other));
    this.#entries.push(entry);
    while (this.bytes > this.#limitBytes) this.#forgetOldest();
    mx.asyncEvaluate(...caches.flatMap((layer) => layer.state())); // so that they hold nothing but themselves
  }

  /**
   * Writes to disk what is not there.
   *
   * @param isLast - also what has grown by little since
   * @returns what went wrong since the last time
   */
  store(isLast = false): readonly string[] {
    for (const entry of this.#entries) this.#folder?.keep(entry, entry.caches, isLast);
    return this.#folder?.takeWarnings() ?? [];
  }

  /** Forgets what was not used for long while memory is nearly used up. */
  makeRoom(): void {
    const enough = mx.getMemoryLimit() * PRESSURE;
    while (this.#entries.length > 0 && mx.getActiveMemory() > enough) this.#forgetOldest();
  }

  /** Forgets everything. */
  clear(): void {
    this.#forget(() => true);
  }

  #touch(entry: Entry): void {
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry];
  }

  #forgetOldest(): void {
    const [oldest] = this.#entries;
    this.#forget((entry) => entry === oldest);
  }

  #forget(isGone: (entry: Entry) => boolean): void {
    const gone = this.#entries.filter(isGone);
    this.#entries = this.#entries.filter((entry) => !gone.includes(entry));
    for (const { caches } of gone) disposeAll(caches);
  }
}

const bytesOf = (caches: readonly LayerCache[]): number =>
  caches.reduce((sum, layer) => sum + layer.nbytes, 0);
