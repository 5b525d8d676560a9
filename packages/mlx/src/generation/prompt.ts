import { whileReading } from "../blocks/prompt-length.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { ForwardOptions, LanguageModel } from "../models/index.ts";
import type { PrefixKey } from "./evaluated-sequence.ts";

/** What of a stretch is wanted. */
export type Wanted = Pick<ForwardOptions, "lastOnly" | "onFeatures">;

/** A prompt for one model, evaluated stretch by stretch. */
export interface Prompt {
  /** What is read, with as many tokens for an image as that takes. */
  readonly inputs: readonly number[];
  /** What comes before the answer in the caches: the same, unless an encoder reads it. */
  readonly tokens: readonly number[];
  /** Whether a token that may be in no vocabulary is of its images. */
  standsForImage(token: number): boolean;
  /**
   * What its tokens stand for, known once it is prepared: caches of what begins alike are alike. Undefined where tokens
   * see later ones, so that no beginning can be evaluated without the rest.
   */
  readonly key: PrefixKey | undefined;
  /** The work before the first stretch; others may have their turn where it yields. */
  prepare(): Generator<void>;
  /** Where a stretch from `start` ends that would be `size` long. */
  endOf(start: number, size: number): number;
  /**
   * Logits `[1, L, V]` of the tokens from `start` to `end`, what comes before them being in the cache.
   *
   * @param wanted - default: logits of all tokens
   */
  forward(start: number, end: number, cache: readonly LayerCache[], wanted?: Wanted): MxArray;
  /** Says to the caches where the tokens after the prompt go on. */
  finish(cache: readonly LayerCache[]): void;
  /** Gives back what it needs to be evaluated. May be called again. */
  dispose(): void;
}

/** A prompt that is nothing but tokens. */
export class TextPrompt implements Prompt {
  readonly tokens: readonly number[];
  readonly #model: LanguageModel;

  constructor(model: LanguageModel, tokens: readonly number[]) {
    this.#model = model;
    this.tokens = tokens;
  }

  get inputs(): readonly number[] {
    return this.tokens;
  }

  standsForImage(): boolean {
    return false;
  }

  get key(): PrefixKey {
    return this.tokens;
  }

  *prepare(): Generator<void> {
    // nothing to do
  }

  endOf(start: number, size: number): number {
    return Math.min(start + size, this.tokens.length);
  }

  forward(start: number, end: number, cache: readonly LayerCache[], wanted?: Wanted): MxArray {
    const ids = mx.array([this.tokens.slice(start, end)], mx.int32);
    return whileReading(this.tokens.length, () => this.#model.forward(ids, { cache, ...wanted }));
  }

  finish(): void {
    // the caches have counted
  }

  dispose(): void {
    // owns nothing
  }
}
