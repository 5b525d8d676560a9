/** Several tokens in one step: what was guessed is evaluated at once, and what the sequence says itself counts. */
import { stepwise } from "../blocks/stepwise.ts";
import { CacheTrial, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import type { ForwardOptions, LanguageModel } from "../models/index.ts";
import { startSampling, type TokenSequence } from "./token-sequence.ts";

/** What came of drafts. */
export interface TriedDrafts {
  /** How many the sequence said as well. */
  readonly accepted: number;
  /** What it says next, `[1]`, not evaluated by the model yet. */
  readonly pending: MxArray;
  /** To go on with: they hold all tokens before `owed`. */
  readonly caches: LayerCache[];
  /** Tokens before `pending` that have to be evaluated again. */
  readonly owed: readonly number[];
}

/** What is evaluated at once. */
export interface DraftedStep {
  /** Tokens before `next` that the caches do not hold. */
  readonly owed: readonly number[];
  /** The sequence's next token. */
  readonly next: number;
  /** What may come behind it. */
  readonly drafts: readonly number[];
}

/** Logits `[L, V]`. */
const evaluate = (model: LanguageModel, tokens: readonly number[], options: ForwardOptions): MxArray => {
  const ids = mx.array([[...tokens]], mx.int32);
  return stepwise(() => mx.reshape(model.forward(ids, options), [tokens.length, -1]));
};

/**
 * Evaluates the next token of a sequence with drafts behind it, and before it what is owed. Each token is chosen as it would be one by one: by its
 * own logits, with the same penalties and the same random numbers. So drafts decide how fast an answer comes, not what it says.
 *
 * @returns undefined where the caches can neither go back nor be forked
 */
export const tryDrafts = (
  model: LanguageModel,
  sequence: TokenSequence,
  { owed, next, drafts }: DraftedStep,
  caches: readonly LayerCache[],
): TriedDrafts | undefined => {
  const trial = CacheTrial.begin(caches);
  if (trial === undefined) return undefined;
  const tokens = [...owed, next, ...drafts];
  try {
    const { accepted, pending } = mx.tidy(() => {
      const told: MxArray[] = []; // [1, L, E]
      const observing = sequence.observes
        ? { onFeatures: (features: MxArray) => void told.push(features) }
        : {};
      const all = evaluate(model, tokens, { cache: caches, ...observing }); // [owed + L, V]
      const logits = owed.length === 0 ? all : mx.index(all, [owed.length]); // [L, V]
      const said = tokensSaid(sequence, logits, next, drafts);
      const end = owed.length + said.accepted + 1;
      for (const features of told) sequence.observe(mx.index(features, [], [owed.length, end]));
      return { ...said, pending: mx.keep(said.pending) };
    });
    const { caches: left, isUndone } = trial.end(tokens.length, drafts.length - accepted);
    const said = tokens.slice(0, owed.length + accepted + 1);
    return { accepted, pending, caches: left, owed: isUndone ? said : [] };
  } catch (error) {
    trial.abandon();
    throw error;
  }
};

type Said = Pick<TriedDrafts, "accepted" | "pending">;

/** The tokens that the sequence says one by one, as far as they are those that were drafted. */
const tokensSaid = (
  sequence: TokenSequence,
  logits: MxArray,
  next: number,
  drafts: readonly number[],
): Said => {
  mx.asyncEvaluate(logits);
  let likeliest: MxArray | undefined; // [L]
  const likeliestAt = (i: number): MxArray => {
    likeliest ??= mx.argmax(logits, -1);
    return mx.slice(likeliest, [i], [i + 1]);
  };
  const sampleAt = (i: number): MxArray =>
    startSampling(() => sequence.sample(mx.slice(logits, [i, 0], [i + 1, logits.dim(1)])));
  sequence.accept(next);
  for (let i = 0; ; i++) {
    const pending = sequence.isPlain ? likeliestAt(i) : sampleAt(i);
    const token = pending.item();
    if (token !== drafts[i] || sequence.isComplete || sequence.failure !== undefined)
      return { accepted: i, pending };
    pending.dispose();
    sequence.accept(token);
  }
};
