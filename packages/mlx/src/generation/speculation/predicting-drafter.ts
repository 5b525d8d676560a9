import { whileReading } from "../../blocks/prompt-length.ts";
import type { LayerCache } from "../../cache/index.ts";
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import type { LanguageModel, Prediction, Predictor } from "../../models/index.ts";
import type { PrefixCache } from "../prefix-cache.ts";
import type { TokenChooser } from "../token-chooser.ts";
import type { DraftContext, Drafter } from "./drafter.ts";
import { fittedLogits } from "./fitted-logits.ts";

/** Features that are kept before the predictor reads them: each holds on to what it is computed from. */
const MOST_UNREAD = 32;

export interface PredictingDrafterOptions {
  /** The model that it drafts for. */
  readonly model: LanguageModel;
  /** Of the model's logits. */
  readonly vocabSize: number;
  /** What the sequence begins with. */
  readonly prompt: readonly number[];
  /** Where it takes the beginning of its sequence from and leaves its caches. */
  readonly prefixes: PrefixCache | undefined;
}

/**
 * Guesses what a predictor makes of the model's own features. One that sees all tokens reads each with the features of
 * the place before it; features that nobody told, of a prefix for instance, are left out.
 */
export class PredictingDrafter implements Drafter {
  readonly #predictor: Predictor;
  readonly #options: PredictingDrafterOptions;
  readonly #tokens: number[];
  /** Undefined before the first features. */
  #caches: LayerCache[] | undefined;
  /** Positions before this one have been read, with the token behind each. */
  #read = 0;
  /** Features of the positions up to `#end` that have not been read, `[1, L, E]` each; of one that does not see all, the last. */
  #unread: MxArray[] = [];
  #end = 0;

  constructor(predictor: Predictor, options: PredictingDrafterOptions) {
    this.#predictor = predictor;
    this.#options = options;
    this.#tokens = [...options.prompt];
  }

  get isHopeful(): boolean {
    return this.#unread.length > 0;
  }

  append(token: number): void {
    this.#tokens.push(token);
    if (this.#end - this.#read > MOST_UNREAD) this.catchUp();
  }

  observe(features: MxArray, start: number): void {
    const L = features.dim(1);
    const { seesTokens } = this.#predictor;
    this.#caches ??= this.#open(start);
    if (!seesTokens || start !== this.#end) this.#forgetUnread(start);
    this.#unread.push(mx.keep(seesTokens ? features : mx.index(features, [], [-1])));
    this.#end = start + L;
    if (!seesTokens) this.#read = this.#end - 1;
  }

  #open(start: number): LayerCache[] {
    const { prefixes, prompt } = this.#options;
    if (!this.#predictor.seesTokens) return [];
    const startOf = (known: number): number => Math.min(known, start + 1);
    const prefix = prefixes?.take({ key: prompt, promptLength: prompt.length, isDraft: true }, startOf);
    this.#read = Math.max(0, (prefix?.length ?? 0) - 1);
    this.#end = this.#read;
    return prefix?.caches ?? this.#predictor.makeCache();
  }

  #forgetUnread(start: number): void {
    for (const features of this.#unread) features.dispose();
    this.#unread = [];
    this.#read = start;
  }

  /** Reads all features behind which a token is known. */
  catchUp(): void {
    const cache = this.#caches;
    const end = Math.min(this.#end, this.#tokens.length - 1);
    if (!this.#predictor.seesTokens || cache === undefined || end <= this.#read) return;
    mx.tidy(() => {
      const tokens = this.#tokens.slice(this.#read + 1, end + 1);
      const { features, rest } = this.#unreadUpTo(end);
      whileReading(this.#options.prompt.length, () => void this.#predict(idsOf(tokens), features, [], cache));
      this.#passTo(end, rest);
    });
    mx.evaluate(cache.map((layer) => layer.state()));
  }

  /** Unread features before `end`, and those from there on, of which there may be none. */
  #unreadUpTo(end: number): { features: MxArray; rest: MxArray | undefined } {
    const all = mx.concatenate(this.#unread, 1); // [1, L, E]
    const L = end - this.#read;
    const rest = L < all.dim(1) ? mx.index(all, [], [L]) : undefined;
    return { features: mx.index(all, [], [0, L]), rest };
  }

  #passTo(end: number, rest: MxArray | undefined): void {
    this.#forgetUnread(end);
    if (rest !== undefined) this.#unread = [mx.keep(rest)];
  }

  draft({ tokens, limit, fork, caches }: DraftContext): number[] {
    const cache = this.#caches;
    const end = tokens.length - 1;
    if (cache === undefined || this.#end !== end || this.#read >= end) return [];
    const chooser = fork();
    try {
      const drafts = mx.tidy(() => {
        const { features } = this.#unreadUpTo(end);
        const modelCache = this.#predictor.seesTokens ? [] : caches();
        const first = this.#predict(idsOf(tokens.slice(this.#read + 1)), features, modelCache, cache);
        const said = this.#sayFrom(first, limit, chooser, (token, guessed) =>
          this.#predict(mx.reshape(token, [1, 1]), guessed, modelCache, cache),
        );
        return Array.from(mx.concatenate(said).toTypedArray(), Number);
      });
      // what was read of guesses is read again with the features that the model gives
      for (const layer of cache) layer.revoke(drafts.length - 1);
      if (this.#predictor.seesTokens) this.#passTo(end, undefined);
      return drafts;
    } finally {
      chooser.dispose();
    }
  }

  /** Tokens `[1]`, one after the other. */
  #sayFrom(
    first: Prediction,
    limit: number,
    chooser: TokenChooser,
    predict: (token: MxArray, features: MxArray) => Prediction,
  ): MxArray[] {
    const said: MxArray[] = [];
    let { logits, features } = first;
    for (;;) {
      const token = chooser.choose(fittedLogits(logits, this.#options.vocabSize));
      said.push(token);
      if (said.length >= limit) return said;
      ({ logits, features } = predict(token, mx.index(features, [], [-1])));
    }
  }

  /** @param modelCache - of the model; unused by predictors that see tokens */
  #predict(
    tokens: MxArray,
    features: MxArray,
    modelCache: readonly LayerCache[],
    cache: readonly LayerCache[],
  ): Prediction {
    return this.#predictor.predict({ model: this.#options.model, modelCache, tokens, features, cache });
  }

  dispose(): void {
    const cache = this.#caches;
    if (cache === undefined) return;
    this.#caches = undefined;
    this.#forgetUnread(this.#read);
    const { prefixes, prompt } = this.#options;
    const key = this.#tokens.slice(0, this.#read + 1);
    if (cache.length > 0 && this.#read > 0 && prefixes !== undefined)
      prefixes.keep({ key, promptLength: prompt.length, isDraft: true }, cache);
    else for (const layer of cache) layer.dispose();
  }
}

/** Int32 `[1, L]`. */
const idsOf = (tokens: readonly number[]): MxArray => mx.array([[...tokens]], mx.int32);
