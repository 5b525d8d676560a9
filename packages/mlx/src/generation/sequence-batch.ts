/** Sequences that are continued together, one token each per step. */
import { stepwise } from "../blocks/stepwise.ts";
import type { BatchCache, LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { LanguageModel } from "../models/index.ts";
import { type StepCaches, startStep, type TokenSequence } from "./token-sequence.ts";
import { tryDrafts } from "./try-drafts.ts";

/** Steps between clearing memory kept for reuse: long answers would otherwise hold every size once used. */
const CLEAR_EVERY = 256;

/** Tokens that may be evaluated again with the next drafts: up to four in all, a step costs CPUs little more than one. */
const MOST_OWED = 2;

/** The cache of one layer as that of a batch; models whose caches cannot be batched run one sequence at a time. */
const asBatch = (cache: LayerCache): BatchCache => {
  const batch = cache.toBatch?.();
  if (batch === undefined) throw new Error("This model's caches hold one sequence only");
  return batch;
};

/** Sequences join after their prefill and leave between steps. The step after the one returned is already computing. */
export class SequenceBatch {
  readonly #model: LanguageModel;
  #sequences: TokenSequence[] = [];
  #caches: LayerCache[] = []; // a single sequence keeps its own
  #areJoined = false; // the caches are those of a batch
  #pending: MxArray | undefined; // the next token of each sequence, [B]
  #owed: readonly number[] = []; // tokens before it that the caches of the only sequence do not hold
  #run = {}; // another one whenever something else happens to the caches than the next step
  #steps = 0;

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  get size(): number {
    return this.#sequences.length;
  }

  /** Takes in a sequence that has been prefilled. */
  join(sequence: TokenSequence): void {
    this.#settle();
    const { caches, pending } = sequence.release();
    this.#run = {};
    this.#sequences.push(sequence);
    if (this.#pending === undefined) {
      this.#caches = caches;
      this.#areJoined = false;
      this.#pending = pending;
      return;
    }
    const joined = this.#caches.map(asBatch);
    joined.forEach((batch, i) => {
      const own = caches[i];
      if (own !== undefined) batch.extend(asBatch(own));
    });
    this.#caches = joined;
    this.#areJoined = true;
    const both = mx.concatenate([this.#pending, pending]);
    pending.dispose();
    this.#pending = mx.replace(this.#pending, both);
  }

  /** Lets sequences go, and disposes them. */
  leave(leaving: ReadonlySet<TokenSequence>): void {
    const rows = this.#rowsWhere((sequence) => !leaving.has(sequence));
    if (rows.length === this.#sequences.length) return;
    const pending = this.#pending;
    if (pending !== undefined && rows.length > 0) this.#pending = mx.replace(pending, pick(pending, rows));
    this.#keep(rows);
  }

  #rowsWhere(holds: (sequence: TokenSequence) => boolean): number[] {
    return [...this.#sequences.entries()].filter(([, sequence]) => holds(sequence)).map(([row]) => row);
  }

  /** Only these rows, which are in order. */
  #keep(rows: readonly number[]): void {
    this.#run = {};
    const [kept, before] = [new Set(rows), this.#sequences];
    for (const [row, sequence] of before.entries()) {
      if (!kept.has(row) && sequence.leavesCaches) sequence.leave(this.#cachesOf(row), this.#owed.length);
    }
    if (rows.length === 0) {
      this.dispose();
      return;
    }
    for (const cache of this.#caches) asBatch(cache).filter(rows);
    this.#sequences = before.filter((_, row) => kept.has(row));
    for (const [row, sequence] of before.entries()) if (!kept.has(row)) sequence.dispose();
  }

  /** The caches of a row that leaves, for somebody else to own. */
  #cachesOf(row: number): LayerCache[] {
    if (this.#areJoined) return this.#caches.map((cache) => asBatch(cache).extract(row));
    const own = this.#caches;
    this.#caches = [];
    return own;
  }

  /**
   * The next token ids of every sequence; starts computing the ones after. It is one of each, but more of a sequence that
   * is alone and whose drafts come true.
   *
   * @param left - how many tokens a sequence may still get; with the last one it leaves
   */
  next(left: (sequence: TokenSequence) => number): Map<TokenSequence, readonly number[]> {
    const current = this.#pending;
    if (current === undefined) return new Map();
    this.#pending = undefined;
    try {
      const tokens = this.#nextOfOne(current, left) ?? this.#nextOfEach(current, left);
      this.#steps += 1;
      if (this.#steps % CLEAR_EVERY === 0) mx.clearCache();
      return tokens;
    } finally {
      current.dispose();
    }
  }

  /** One token of each. */
  #nextOfEach(
    current: MxArray,
    left: (sequence: TokenSequence) => number,
  ): Map<TokenSequence, readonly number[]> {
    this.#settle();
    const sequences = this.#sequences;
    let read: readonly number[] | undefined;
    // waiting gives back the core that the last step lent, so it is waited for once
    const tokensOf = (): readonly number[] => {
      read ??= idsOf(current, sequences.length);
      return read;
    };
    const learn = (): void => {
      const tokens = tokensOf();
      for (const [row, sequence] of sequences.entries()) sequence.accept(tokens[row] ?? Number.NaN);
    };
    const isConstrained = sequences.some((sequence) => sequence.isConstrained);
    this.#startNext(current, (sequence) => left(sequence) <= 1, isConstrained ? learn : undefined);
    const next = new Map<TokenSequence, readonly number[]>();
    const tokens = tokensOf();
    for (const [row, sequence] of sequences.entries()) {
      const token = tokens[row] ?? Number.NaN;
      sequence.append(token);
      next.set(sequence, [token]);
    }
    return next;
  }

  /** The tokens of a sequence that is alone and has drafts; undefined where there is no such. */
  #nextOfOne(
    current: MxArray,
    left: (sequence: TokenSequence) => number,
  ): Map<TokenSequence, readonly number[]> | undefined {
    const [only] = this.#sequences;
    if (only === undefined || this.size > 1) return undefined;
    const room = left(only) - 1;
    if (!only.isWorthWaiting(room)) return undefined;
    const next = current.item();
    this.#separate();
    const drafts = only.draft(next, room, () => {
      this.#settle();
      return this.#caches;
    });
    if (drafts.length === 0) return undefined;
    this.#run = {};
    const tried = tryDrafts(this.#model, only, { owed: this.#owed, next, drafts }, this.#caches);
    if (tried === undefined) return undefined;
    const { accepted, pending, caches, owed } = tried;
    this.#caches = caches;
    this.#pending = pending;
    this.#owed = owed;
    if (owed.length > MOST_OWED) this.#settle();
    const tokens = [next, ...drafts.slice(0, accepted)];
    for (const token of tokens) only.append(token);
    only.learn(drafts.length, accepted);
    return new Map([[only, tokens]]);
  }

  /** Evaluates what the caches do not hold. */
  #settle(): void {
    if (this.#owed.length === 0) return;
    const ids = mx.array([[...this.#owed]], mx.int32);
    this.#owed = [];
    this.#run = {};
    const cache = this.#caches;
    mx.tidy(() => void stepwise(() => this.#model.forward(ids, { cache })));
    ids.dispose();
    mx.evaluate(cache.map((layer) => layer.state()));
  }

  /** Takes the caches of a sequence that others left out of their batch. */
  #separate(): void {
    if (!this.#areJoined) return;
    this.#run = {};
    const joined = this.#caches;
    this.#caches = this.#cachesOf(0);
    this.#areJoined = false;
    for (const cache of joined) cache.dispose();
  }

  get #stepCaches(): StepCaches {
    return { cache: this.#caches, run: this.#run };
  }

  /** @param learn - tells the sequences their latest tokens, which is to come before they are sampled or leave */
  #startNext(
    current: MxArray,
    isLast: (sequence: TokenSequence) => boolean,
    learn: (() => void) | undefined,
  ): void {
    const rows = this.#rowsWhere((sequence) => !isLast(sequence));
    if (rows.length === this.#sequences.length) {
      this.#pending = startStep(this.#model, this.#sequences, current, this.#stepCaches, learn);
      return;
    }
    learn?.();
    this.#keep(rows);
    if (rows.length === 0) return;
    const inputs = pick(current, rows);
    this.#pending = startStep(this.#model, this.#sequences, inputs, this.#stepCaches);
    inputs.dispose();
  }

  /** Frees everything; the batch is empty then. */
  dispose(): void {
    this.#pending?.dispose();
    this.#pending = undefined;
    for (const cache of this.#caches) cache.dispose();
    this.#caches = [];
    this.#owed = [];
    for (const sequence of this.#sequences) sequence.dispose();
    this.#sequences = [];
  }
}

/** Tokens `[B]` as numbers. One is read for less than several. */
const idsOf = (tokens: MxArray, B: number): number[] =>
  B === 1 ? [tokens.item()] : Array.from(tokens.toTypedArray(), Number);

/** Some entries of tokens `[B]`. */
const pick = (tokens: MxArray, rows: readonly number[]): MxArray =>
  mx.tidy(() => mx.take(tokens, mx.array([...rows], mx.int32), 0));
