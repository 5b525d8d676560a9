/** Answering one prompt, with what came out of every step. */
import * as mx from "../../src/core/index.ts";
import type { SamplingOptions } from "../../src/engine/index.ts";
import type { PrefixCache } from "../../src/generation/prefix-cache.ts";
import type { Prompt } from "../../src/generation/prompt.ts";
import { SequenceBatch } from "../../src/generation/sequence-batch.ts";
import { TokenSequence } from "../../src/generation/token-sequence.ts";
import type { LanguageModel } from "../../src/models/index.ts";

/** Tokens of each answer. */
export const ANSWER = 6;

/** A prompt that is read five tokens at a time. */
export const openSequence = (
  model: LanguageModel,
  prompt: Prompt,
  prefixes?: PrefixCache,
  sampling: SamplingOptions = {},
): TokenSequence =>
  new TokenSequence(model, prompt, { sampling, vocabSize: 64, prefillStepSize: 5, prefixes });

export interface Outcome {
  tokens: number[];
  /** Tokens of the prompt that were not evaluated. */
  reused: number;
  /** Of each step, `[ANSWER, V]`. */
  logits: Float32Array;
}

/** Answers a prompt. */
export const ask = (
  model: LanguageModel,
  prompt: Prompt,
  prefixes?: PrefixCache,
  sampling?: SamplingOptions,
): Outcome => {
  const steps: mx.MxArray[] = [];
  const forward = model.forward;
  model.forward = (tokens, options) => {
    const logits = forward.call(model, tokens, options);
    steps.push(mx.keep(mx.index(logits, [0], [-1])));
    return logits;
  };
  const sequence = openSequence(model, prompt, prefixes, sampling);
  for (const _ of sequence.prefill());
  const batch = new SequenceBatch(model);
  batch.join(sequence);
  const tokens: number[] = [];
  while (batch.size > 0) tokens.push(...[...batch.next(() => ANSWER - tokens.length).values()].flat());
  model.forward = forward;
  const answered = steps.slice(-ANSWER);
  const floats = (step: mx.MxArray): Float32Array =>
    mx.tidy(() => step.astype(mx.float32).toTypedArray() as Float32Array);
  const logits = new Float32Array(answered.flatMap((step) => [...floats(step)]));
  for (const step of steps) step.dispose();
  return { tokens, reused: sequence.reused, logits };
};
