/** One sequence: its prompt, sampler and penalties, and its caches until it joins others. */
import { forkAll, type KVQuantization, type LayerCache, quantizedCaches } from "../cache/index.ts";
import { withCoarseActivations } from "../core/cpu.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { SamplingOptions } from "../engine/types.ts";
import type { MlxError } from "../errors.ts";
import type { TokenConstraint } from "../grammar/index.ts";
import type { ForwardOptions, LanguageModel } from "../models/index.ts";
import type { Sequence } from "./evaluated-sequence.ts";
import { createLogitsProcessors, NoRepeatedRuns } from "./logits-processors.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Prompt } from "./prompt.ts";
import { latestStart, nextStretch, type Stretch } from "./prompt-stretch.ts";
import type { ReasoningBudget } from "./reasoning/index.ts";
import { createSampler } from "./sampler.ts";
import type { Speculation } from "./speculation/index.ts";
import { TokenChooser } from "./token-chooser.ts";
import type { TokenScores } from "./token-scores.ts";

export interface SequenceOptions {
  sampling: SamplingOptions;
  vocabSize: number;
  /** Prompt tokens evaluated at once. */
  prefillStepSize: number;
  /** Whether activations inside the prompt are rounded to 8 bits. Default false. */
  roundsPrompt?: boolean | undefined;
  /** How many tokens in a row may not come again; 0 is off. Default 0. */
  noRepeatedRuns?: number | undefined;
  /** Disposed with the sequence. */
  constraint?: TokenConstraint | undefined;
  /** Ends its reasoning. Default: nobody does. */
  budget?: ReasoningBudget | undefined;
  /** How the caches are quantized. Default: not at all. */
  kvQuantization?: KVQuantization | undefined;
  /** Where it takes the beginning of its prompt from and leaves its caches. Default: nowhere. */
  prefixes?: PrefixCache | undefined;
  /** Name of the adapter that the model has to compute it with. Default: none. */
  adapter?: string | undefined;
  /** Guesses how it goes on; disposed with the sequence. Default: nobody does. */
  speculation?: Speculation | undefined;
  /** Takes the scores of its tokens, in their order. Default: nobody wants them. */
  scores?: TokenScores | undefined;
  /** Takes the scores of its prompt's tokens from the second on, in their order. Default: nobody wants them. */
  promptScores?: TokenScores | undefined;
}

/** Prompt tokens evaluated at once where each has logits: a row of them is as long as the vocabulary. */
const SCORED_STEP = 128;

/** What a sequence is continued from. */
export interface SequenceState {
  readonly caches: LayerCache[];
  /** The next token, being computed, `[1]`. */
  readonly pending: MxArray;
}

/** A prompt to continue. `prefill` it to its end, then `release` it to a batch, which asks it to `sample`. */
export class TokenSequence {
  /** Name of the adapter that has to be in use when it is prefilled and continued. */
  readonly adapter: string | undefined;
  readonly #prompt: Prompt;
  readonly #chooser: TokenChooser;
  readonly #prefillStepSize: number;
  readonly #roundsPrompt: boolean;
  readonly #constraint: TokenConstraint | undefined;
  readonly #budget: ReasoningBudget | undefined;
  readonly #prefixes: PrefixCache | undefined;
  readonly #speculation: Speculation | undefined;
  readonly #scores: TokenScores | undefined;
  readonly #promptScores: TokenScores | undefined;
  /** Tokens that the caches hold of the prompt, and those behind it. */
  #evaluated = 0;
  readonly #continuation: number[] = [];
  #reused = 0;
  #caches: LayerCache[];
  #pending: MxArray | undefined;

  /** @param prompt - at least one token id, all inside the vocabulary or of images; disposed as soon as it has been evaluated */
  constructor(model: LanguageModel, prompt: Prompt, options: SequenceOptions) {
    this.#prompt = prompt;
    this.adapter = options.adapter;
    const caches = model.makeCache();
    const kv = options.kvQuantization;
    this.#caches = kv === undefined ? caches : quantizedCaches(caches, kv);
    const processors = createLogitsProcessors(options.sampling, prompt.tokens, options.vocabSize);
    const { noRepeatedRuns = 0, constraint } = options;
    // what a constraint describes may have to repeat itself
    if (noRepeatedRuns > 0 && constraint === undefined)
      processors.push(new NoRepeatedRuns(noRepeatedRuns, mx.array([...prompt.tokens], mx.int32)));
    this.#chooser = new TokenChooser(createSampler(options.sampling), processors);
    this.#speculation = options.speculation;
    this.#scores = options.scores;
    this.#promptScores = options.promptScores;
    const isScored = options.promptScores !== undefined;
    this.#prefillStepSize = Math.min(
      options.prefillStepSize,
      isScored ? SCORED_STEP : Number.POSITIVE_INFINITY,
    );
    this.#roundsPrompt = !isScored && options.roundsPrompt === true;
    this.#constraint = constraint;
    this.#budget = options.budget;
    this.#prefixes = options.prefixes?.isOn === true && !isScored ? options.prefixes : undefined;
  }

  /** Tokens of the prompt that earlier requests had evaluated. */
  get reused(): number {
    return this.#reused;
  }

  /** Evaluates the prompt chunk by chunk, yielding the number of tokens done; ends with the first step started. */
  *prefill(): Generator<number> {
    for (const _ of this.#prompt.prepare()) yield 0;
    const length = this.#prompt.tokens.length;
    const last = length - 1;
    this.#takePrefix(last);
    for (let start = this.#reused; start < last; ) {
      const { size, isCoarse } = this.#stretch(start, length);
      const end = this.#prompt.endOf(start, size);
      if (end === length) return this.#start(start);
      const forward = (): MxArray => this.#prompt.forward(start, end, this.#caches, this.#observing(start));
      mx.tidy(() => {
        const logits = isCoarse ? withCoarseActivations(forward) : forward();
        // without scores only the caches are evaluated: the logits of the prompt are never computed
        if (this.#promptScores !== undefined) mx.evaluate(this.#scorePrompt(logits, start, end));
      });
      mx.evaluate(this.#caches.map((layer) => layer.state()));
      this.#speculation?.catchUp();
      mx.clearCache();
      this.#evaluated = end;
      yield end;
      start = end;
    }
    this.#start(last);
  }

  /**
   * Scores the tokens behind each of a stretch.
   *
   * @param logits - `[1, L, V]`
   */
  #scorePrompt(logits: MxArray, start: number, end: number): MxArray {
    const next = mx.array(this.#prompt.tokens.slice(start + 1, end + 1), mx.int32);
    return this.#promptScores?.add(mx.squeeze(logits, 0), next) ?? next;
  }

  #stretch(start: number, length: number): Stretch {
    const last = length - 1;
    const stretch = this.#roundsPrompt ? nextStretch(start, last) : { size: last - start, isCoarse: false };
    const isLastAlone = this.#leavesPrompt || this.#promptScores !== undefined;
    const end = isLastAlone ? last : length;
    return { ...stretch, size: Math.min(stretch.size, this.#prefillStepSize, end - start) };
  }

  #takePrefix(last: number): void {
    const { key, tokens } = this.#prompt;
    if (key === undefined) return;
    // the same prompt again is answered by the same numbers
    const latest = this.#roundsPrompt && !this.#leavesPrompt ? latestStart(last) : last;
    const startOf = (known: number): number => {
      const start = this.#prompt.endOf(0, Math.min(known, latest));
      return start <= Math.min(known, latest) ? start : 0;
    };
    const prefix = this.#prefixes?.take({ key, promptLength: tokens.length, adapter: this.adapter }, startOf);
    if (prefix === undefined) return;
    for (const layer of this.#caches) layer.dispose();
    this.#caches = prefix.caches;
    this.#reused = prefix.length;
    this.#evaluated = prefix.length;
  }

  /** What the caches hold now; undefined where nobody wants to know. */
  get #known(): Sequence | undefined {
    if (this.#prefixes === undefined || this.#evaluated === 0) return undefined;
    const { key, tokens } = this.#prompt;
    return (
      key && {
        key: [...key.slice(0, this.#evaluated), ...this.#continuation],
        promptLength: tokens.length,
        adapter: this.adapter,
      }
    );
  }

  /** Whether the answer makes the caches useless for others with the same prompt: they cannot be taken back to its end. */
  get #leavesPrompt(): boolean {
    const isTrimmable = (layer: LayerCache): boolean => layer.isTrimmable(Number.POSITIVE_INFINITY);
    return this.#prefixes !== undefined && !this.#caches.every(isTrimmable);
  }

  /** Leaves behind what has been evaluated before the last step, where the answer will make it useless otherwise. */
  #leavePrompt(): void {
    const known = this.#known;
    if (known === undefined || !this.#leavesPrompt) return;
    const forks = forkAll(this.#caches);
    if (forks !== undefined) this.#prefixes?.keep(known, forks);
  }

  /** Starts the step after the prompt, whose last tokens from `from` on are still to be evaluated. */
  #start(from: number): void {
    this.#leavePrompt();
    this.#pending = startSampling(() => {
      const wanted = { lastOnly: true, ...this.#observing(from) };
      const logits = this.#prompt.forward(from, this.#prompt.tokens.length, this.#caches, wanted); // [1, L or 1, V]
      return this.sample(mx.reshape(mx.index(logits, [], [-1]), [1, -1]));
    });
    this.#prompt.finish(this.#caches);
    this.#prompt.dispose();
    this.#evaluated = this.#prompt.tokens.length;
  }

  /** Hands over caches and the step in flight. */
  release(): SequenceState {
    const [caches, pending] = [this.#caches, this.#pending];
    if (pending === undefined) throw new Error("release() before prefill() was run to its end");
    this.#caches = [];
    this.#pending = undefined;
    return { caches, pending };
  }

  /** Whether all that `sample` does now is to give the likeliest token: nothing keeps one from coming next or scores it. */
  get isPlain(): boolean {
    const isFree = this.#constraint?.isFree !== false && this.#budget?.isFree !== false;
    return this.#chooser.isPlain && isFree && this.#scores === undefined;
  }

  /** Whether `isPlain` and `sample` need to have been told of every token before. */
  get isConstrained(): boolean {
    return this.#constraint !== undefined || this.#budget?.isOver === false;
  }

  /** Whether nothing may follow the last token that `accept` was told of. */
  get isComplete(): boolean {
    return this.#constraint?.isComplete === true;
  }

  /** Why it cannot go on. */
  get failure(): MlxError | undefined {
    return this.#constraint?.failure;
  }

  /** Says that the caches now hold another token. */
  append(token: number): void {
    this.#continuation.push(token);
    this.#speculation?.append(token);
  }

  /**
   * Whether drafts may come of it to wait for the token that is being computed. Asked once for each.
   *
   * @param room - tokens that may come behind it
   */
  isWorthWaiting(room: number): boolean {
    return room > 0 && this.#speculation?.isWorthWaiting() === true;
  }

  /**
   * At most `room` tokens that may come behind the next one, which is not appended yet.
   *
   * @param caches - gives those that hold everything before it
   */
  draft(next: number, room: number, caches: () => readonly LayerCache[]): number[] {
    return this.#speculation?.draft(next, room, { caches, fork: () => this.#chooser.fork() }) ?? [];
  }

  /** Whether `observe` is of use. */
  get observes(): boolean {
    return this.#speculation?.observes === true;
  }

  /** Takes the model's features `[1, L, E]` (`ForwardOptions`) of the positions behind those that were appended. */
  observe(features: MxArray): void {
    this.#speculation?.observe(features, this.#evaluated + this.#continuation.length);
  }

  /** Has the features of prompt tokens from `start` on told to whoever wants them. */
  #observing(start: number): Pick<ForwardOptions, "onFeatures"> {
    return this.observes ? { onFeatures: (features) => this.#speculation?.observe(features, start) } : {};
  }

  /** Takes how many of the drafted tokens `sample` gave as well. */
  learn(drafted: number, accepted: number): void {
    this.#speculation?.learn(drafted, accepted);
  }

  /** Whether `leave` wants its caches. */
  get leavesCaches(): boolean {
    return this.#known !== undefined;
  }

  /**
   * Leaves its caches, which hold the prompt and what was appended, to later requests.
   *
   * @param missing - how many of the last tokens they do not hold. Default 0
   */
  leave(caches: readonly LayerCache[], missing = 0): void {
    const known = this.#known;
    if (known === undefined) return;
    this.#prefixes?.keep({ ...known, key: known.key.slice(0, known.key.length - missing) }, caches);
  }

  /** Ends it before the prompt has been evaluated to its end; what has been is left to later requests. */
  abandon(): void {
    const caches = this.#caches;
    if (this.leavesCaches) {
      this.#caches = [];
      this.leave(caches);
    }
    this.dispose();
  }

  /** Takes a token that it was continued with, which `sample` gave before. */
  accept(token: number): void {
    this.#constraint?.accept(token);
    this.#budget?.accept(token);
  }

  /** Logits `[1, V]` to the next token `[1]`. */
  sample(logits: MxArray): MxArray {
    const token = this.#chooser.choose(logits, (all) => {
      const fitting = this.#constraint?.apply(all) ?? all;
      return this.#budget?.apply(fitting) ?? fitting;
    });
    return this.#scores?.add(logits, token) ?? token;
  }

  dispose(): void {
    this.#pending?.dispose();
    this.#pending = undefined;
    for (const layer of this.#caches) layer.dispose();
    this.#chooser.dispose();
    this.#constraint?.dispose();
    this.#speculation?.dispose();
  }
}

/** Logits `[B, V]` to the next token of each sequence, `[B]`. */
const sampleEach = (sequences: readonly TokenSequence[], logits: MxArray): MxArray => {
  const [only] = sequences;
  if (only !== undefined && sequences.length === 1) return only.sample(logits);
  if (sequences.every(({ isPlain }) => isPlain)) return mx.argmax(logits, -1);
  return mx.concatenate(sequences.map((sequence, row) => sequence.sample(mx.index(logits, [row, row + 1]))));
};

/** The caches of a step, and as whose steps it goes on (`ForwardOptions`). */
export type StepCaches = Required<Pick<ForwardOptions, "cache" | "run">>;

/**
 * Builds and starts one step over the latest token of each sequence, `[B]`; gives the sampled ones, `[B]`.
 *
 * @param learn - called while the model already computes, before the tokens are sampled
 */
export const startStep = (
  model: LanguageModel,
  sequences: readonly TokenSequence[],
  tokens: MxArray,
  { cache, run }: StepCaches,
  learn?: () => void,
): MxArray =>
  startSampling(() => {
    const onFeatures = (features: MxArray): void => {
      for (const [row, sequence] of sequences.entries()) sequence.observe(mx.index(features, [row, row + 1]));
    };
    const observing = sequences.some(({ observes }) => observes) ? { onFeatures } : {};
    const logits = model.forward(mx.reshape(tokens, [-1, 1]), { cache, run, ...observing }); // [B, 1, V]
    if (learn !== undefined) {
      mx.asyncEvaluate(logits);
      learn();
    }
    return sampleEach(sequences, mx.reshape(logits, [sequences.length, -1]));
  });

export const startSampling = (sample: () => MxArray): MxArray => {
  const sampled = mx.tidy(sample);
  mx.asyncEvaluateNext(sampled);
  return mx.keep(sampled);
};
