import { whileReading } from "../../blocks/prompt-length.ts";
import { forkAll, type LayerCache } from "../../cache/index.ts";
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import type { LanguageModel } from "../../models/index.ts";
import type { PrefixCache } from "../prefix-cache.ts";
import type { DraftModel } from "../text-model.ts";
import type { DraftContext, Drafter } from "./drafter.ts";
import { fittedLogits } from "./fitted-logits.ts";

/** From so many tokens on the output layer is left out where it is not needed. */
const FEW = 8;

export interface ModelDrafterOptions {
  /** Of the logits of the model that it drafts for. */
  readonly vocabSize: number;
  /** Tokens of the prompt. */
  readonly promptLength: number;
  /** Tokens evaluated at once. */
  readonly stepSize: number;
  /** Where it takes the beginning of its sequence from and leaves its caches. */
  readonly prefixes: PrefixCache | undefined;
}

/** Guesses what a smaller model says. Where it is far behind the sequence, it catches up a stretch at a time. */
export class ModelDrafter implements Drafter {
  readonly isHopeful = true;
  readonly #model: LanguageModel;
  readonly #vocabSize: number;
  readonly #options: ModelDrafterOptions;
  #caches: LayerCache[] | undefined;
  /** Tokens in the caches. */
  #held: number[] = [];
  /** Caches as they were before the last draft, where they cannot go back by themselves. */
  #before: { readonly caches: LayerCache[]; readonly length: number } | undefined;

  constructor({ model, vocabSize }: DraftModel, options: ModelDrafterOptions) {
    this.#model = model;
    this.#vocabSize = vocabSize;
    this.#options = options;
  }

  append(): void {
    // the context tells
  }

  draft({ tokens, limit, fork }: DraftContext): number[] {
    const caches = this.#cachesFor(tokens);
    if (!this.#knowsAll(tokens.slice(this.#held.length))) return [];
    const { stepSize } = this.#options;
    if (tokens.length - this.#held.length > stepSize) {
      this.#read(caches, tokens.slice(this.#held.length, this.#held.length + stepSize));
      return [];
    }
    if (tokens.length - this.#held.length > FEW) this.#read(caches, tokens.slice(this.#held.length, -1));
    this.#remember(caches);
    const missing = tokens.slice(this.#held.length);
    const drafts = this.#say(caches, missing, limit, fork);
    this.#held.push(...missing, ...drafts.slice(0, -1));
    return drafts;
  }

  /** Whether it has embeddings for all of them: a prompt may hold ids that stand for no text. */
  #knowsAll(tokens: readonly number[]): boolean {
    return tokens.every((token) => token >= 0 && token < this.#vocabSize);
  }

  /** Caches that hold a beginning of the tokens, but not all. */
  #cachesFor(tokens: readonly number[]): LayerCache[] {
    const caches = this.#caches ?? this.#open(tokens);
    const known = Math.min(commonLength(this.#held, tokens), tokens.length - 1);
    const surplus = this.#held.length - known;
    if (surplus === 0) return caches;
    if (caches.every((cache) => cache.isTrimmable(Number.POSITIVE_INFINITY))) {
      for (const cache of caches) cache.revoke(surplus);
      this.#held.length = known;
      return caches;
    }
    const before = this.#before;
    this.#before = undefined;
    disposeAll(caches);
    const isOfUse = before !== undefined && before.length <= known;
    if (before !== undefined && !isOfUse) disposeAll(before.caches);
    this.#caches = isOfUse ? before.caches : this.#model.makeCache();
    this.#held.length = isOfUse ? before.length : 0;
    return this.#caches;
  }

  #open(tokens: readonly number[]): LayerCache[] {
    const { prefixes, promptLength } = this.#options;
    const last = tokens.length - 1;
    const prefix = prefixes?.take({ key: tokens, promptLength, isDraft: true }, (known) =>
      Math.min(known, last),
    );
    this.#caches = prefix?.caches ?? this.#model.makeCache();
    this.#held = tokens.slice(0, prefix?.length ?? 0);
    return this.#caches;
  }

  /** Evaluates tokens after which nothing is said. */
  #read(caches: readonly LayerCache[], tokens: readonly number[]): void {
    const { promptLength } = this.#options;
    const ids = mx.array([[...tokens]], mx.int32);
    mx.tidy(() => whileReading(promptLength, () => void this.#model.forward(ids, { cache: caches })));
    ids.dispose();
    mx.evaluate(caches.map((cache) => cache.state()));
    this.#held.push(...tokens);
  }

  /** Remembers caches that could not go back. */
  #remember(caches: readonly LayerCache[]): void {
    if (this.#before !== undefined) disposeAll(this.#before.caches);
    this.#before = undefined;
    if (caches.every((cache) => cache.isTrimmable(Number.POSITIVE_INFINITY))) return;
    const forks = forkAll(caches);
    if (forks !== undefined) this.#before = { caches: forks, length: this.#held.length };
  }

  /** The next tokens, one after the other. */
  #say(
    cache: readonly LayerCache[],
    input: readonly number[],
    limit: number,
    fork: DraftContext["fork"],
  ): number[] {
    const chooser = fork();
    try {
      return mx.tidy(() => {
        const drafts: MxArray[] = [];
        let next = mx.array([[...input]], mx.int32);
        while (drafts.length < limit) {
          const logits = mx.index(this.#model.forward(next, { cache }), [], [-1]); // [1, 1, V]
          const token = chooser.choose(fittedLogits(mx.reshape(logits, [1, -1]), this.#options.vocabSize));
          drafts.push(token);
          next = mx.reshape(token, [1, 1]);
        }
        return Array.from(mx.concatenate(drafts).toTypedArray(), Number);
      });
    } finally {
      chooser.dispose();
    }
  }

  dispose(): void {
    const caches = this.#caches;
    this.#caches = undefined;
    if (this.#before !== undefined) disposeAll(this.#before.caches);
    this.#before = undefined;
    if (caches === undefined) return;
    const { prefixes, promptLength } = this.#options;
    if (prefixes === undefined || this.#held.length === 0) disposeAll(caches);
    else prefixes.keep({ key: [...this.#held], promptLength, isDraft: true }, caches);
  }
}

const commonLength = (a: readonly number[], b: readonly number[]): number => {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
};

const disposeAll = (caches: readonly LayerCache[]): void => {
  for (const cache of caches) cache.dispose();
};
