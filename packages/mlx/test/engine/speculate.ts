/** Answering a prompt with somebody's drafts, or without. */
import type { SamplingOptions } from "../../src/engine/index.ts";
import type { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { SequenceBatch } from "../../src/generation/sequence-batch.ts";
import type { Drafter } from "../../src/generation/speculation/drafter.ts";
import { Speculation } from "../../src/generation/speculation/speculation.ts";
import { TokenSequence } from "../../src/generation/token-sequence.ts";
import type { LanguageModel } from "../../src/models/index.ts";

interface SpeculateOptions {
  vocabSize: number;
  sampling: SamplingOptions;
  /** Tokens of the answer. */
  count: number;
  /** Default 4. */
  numDraftTokens?: number;
}

interface Outcome {
  tokens: number[];
  speculation: Speculation | undefined;
  /** Turns of the batch that it took. */
  turns: number;
}

export const speculate = (
  model: LanguageModel,
  prompt: readonly number[],
  { vocabSize, sampling, count, numDraftTokens = 4 }: SpeculateOptions,
  drafter?: Drafter,
  prefixes?: PrefixCache,
): Outcome => {
  const speculation =
    drafter && new Speculation([drafter], { prompt, numDraftTokens, isWord: (token) => token < vocabSize });
  const sequence = new TokenSequence(model, new TextPrompt(model, prompt), {
    sampling,
    vocabSize,
    prefillStepSize: 5,
    speculation,
    prefixes,
  });
  for (const _ of sequence.prefill());
  const batch = new SequenceBatch(model);
  batch.join(sequence);
  const tokens: number[] = [];
  let turns = 0;
  for (; tokens.length < count; turns++) {
    tokens.push(...[...batch.next(() => count - tokens.length).values()].flat());
  }
  batch.dispose();
  return { tokens, speculation, turns };
};
