/** What requests leave behind: caches for prompts that begin as those did. */
import { areReadAlike } from "../blocks/prompt-length.ts";
import { forkAll, type LayerCache } from "../cache/index.ts";
import * as mx from "../core/index.ts";

/** Part of the memory limit that one model's prefixes may take by default: thousands of tokens of a large model. */
const DEFAULT_SHARE = 1 / 8;
/** Part of the memory limit from which on prefixes make room: what a step of a model needs is below the rest. */
const PRESSURE = 0.9;

/** What stands at each place of a sequence: a token, or the content that a token of an image is part of. */
export type PrefixKey = readonly (number | string)[];

/** A sequence that was evaluated. */
export interface Sequence {
  readonly key: PrefixKey;
  /** Tokens of the prompt that it was evaluated for. */
  readonly promptLength: number;
  /** Name of the adapter that evaluated it; absent where the model did by itself. */
  readonly adapter?: string | undefined;
}

interface Entry extends Sequence {
  readonly caches: readonly LayerCache[];
}

/** The beginning of a prompt that needs not be evaluated again. */
export interface Prefix {
  readonly caches: LayerCache[];
  /** Tokens that are in the caches. */
  readonly length: number;
}

const commonLength = (a: PrefixKey, b: PrefixKey): number => {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
};

const isTrimmable = ({ caches }: Entry): boolean => caches.every((layer) => layer.isTrimmable());

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
  /** Least recently used first. */
  #entries: Entry[] = [];

  /** @param limitBytes - of all caches together; 0 keeps nothing. Default an eighth of the memory limit */
  constructor(limitBytes = Math.floor(mx.getMemoryLimit() * DEFAULT_SHARE)) {
    this.#limitBytes = limitBytes;
  }

  /** Whether anything is ever kept. */
  get isOn(): boolean {
    return this.#limitBytes > 0;
  }

  get bytes(): number {
    return this.#entries.reduce((sum, { caches }) => sum + bytesOf(caches), 0);
  }

  /**
   * The longest known beginning of a sequence, as caches of the caller's own.
   *
   * @param startOf - where evaluating may begin at the latest, for a number of known tokens
   */
  take(sequence: Sequence, startOf: (known: number) => number): Prefix | undefined {
    const alike = this.#entries.filter((entry) => areEvaluatedAlike(entry, sequence));
    const candidates = alike
      .map((entry) => ({ entry, length: startOf(commonLength(entry.key, sequence.key)) }))
      .filter(({ entry, length }) => length > 0 && (length === entry.key.length || isTrimmable(entry)))
      .sort((a, b) => b.length - a.length);
    for (const { entry, length } of candidates) {
      const caches = forkTo(entry.caches, entry.key.length, length);
      if (caches === undefined) continue;
      this.#touch(entry);
      return { caches, length };
    }
    return undefined;
  }

  /** Keeps the caches of a sequence, which must have been evaluated; takes them over. */
  keep(sequence: Sequence, caches: readonly LayerCache[]): void {
    const entry = { ...sequence, caches };
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

/** Whether equal tokens leave equal caches. */
const areEvaluatedAlike = (a: Sequence, b: Sequence): boolean =>
  a.adapter === b.adapter && areReadAlike(a.promptLength, b.promptLength);

/** Whether whatever begins as `b` is served by `a` as well. */
const covers = (a: Entry, b: Entry): boolean =>
  areEvaluatedAlike(a, b) &&
  commonLength(a.key, b.key) === b.key.length &&
  (a.key.length === b.key.length || isTrimmable(a));

const bytesOf = (caches: readonly LayerCache[]): number =>
  caches.reduce((sum, layer) => sum + layer.nbytes, 0);
