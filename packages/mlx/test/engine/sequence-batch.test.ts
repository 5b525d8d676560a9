import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SamplingOptions } from "../../src/engine/index.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { SequenceBatch } from "../../src/generation/sequence-batch.ts";
import { TokenSequence } from "../../src/generation/token-sequence.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";

interface Plan {
  prompt: number[];
  sampling: SamplingOptions;
  /** Steps of the batch before it joins. */
  joinsAt: number;
  /** Tokens until it leaves. */
  count: number;
  /** Leaves after its last token was read, as at an end of sequence, not with it, as at a limit. */
  leavesLate: boolean;
}

const prefilled = (model: LanguageModel, { prompt, sampling }: Plan): TokenSequence => {
  const sequence = new TokenSequence(model, new TextPrompt(model, prompt), {
    sampling,
    vocabSize: 64,
    prefillStepSize: 5,
  });
  for (const _done of sequence.prefill());
  return sequence;
};

const alone = (model: LanguageModel, plan: Plan): number[] => {
  const batch = new SequenceBatch(model);
  batch.join(prefilled(model, plan));
  const tokens = Array.from({ length: plan.count }, (_, i) => [
    ...batch.next(() => plan.count - i).values(),
  ]).flat(2);
  expect(batch.size).toBe(0);
  return tokens;
};

const together = (model: LanguageModel, plans: Plan[]): number[][] => {
  const batch = new SequenceBatch(model);
  const answers = new Map<TokenSequence, { plan: Plan; tokens: number[] }>();
  for (let step = 0; answers.size < plans.length || batch.size > 0; step++) {
    for (const plan of plans.filter(({ joinsAt }) => joinsAt === step)) {
      const sequence = prefilled(model, plan);
      answers.set(sequence, { plan, tokens: [] });
      batch.join(sequence);
    }
    const leaving = new Set<TokenSequence>();
    const left = (sequence: TokenSequence) => {
      const { plan, tokens } = answers.get(sequence) ?? { tokens: [] };
      return plan?.leavesLate === false ? plan.count - tokens.length : Number.POSITIVE_INFINITY;
    };
    for (const [sequence, next] of batch.next(left)) {
      const answer = answers.get(sequence);
      answer?.tokens.push(...next);
      if (answer?.tokens.length === answer?.plan.count) leaving.add(sequence);
    }
    batch.leave(leaving);
  }
  return plans.map((plan) => [...answers.values()].find((answer) => answer.plan === plan)?.tokens ?? []);
};

const kinds: Partial<SamplingOptions>[] = [
  {},
  { temperature: 0.9, topP: 0.9, seed: 3 },
  { repetitionPenalty: 1.3, repetitionContextSize: 6 },
  { temperature: 1.2, topK: 12, presencePenalty: 0.4, frequencyPenalty: 0.2, seed: 8 },
];

// lengths around the windows of the tiny models, joins while others are inside and past them
const plans: Plan[] = Array.from({ length: 10 }, (_, i) => ({
  prompt: Array.from({ length: 1 + ((i * 11) % 29) }, (_, j) => (i * 17 + j * 23 + 5) % 64),
  sampling: kinds[i % kinds.length] ?? {},
  joinsAt: [0, 0, 1, 1, 4, 9, 9, 15, 30, 33][i] ?? 0,
  count: 6 + ((i * 7) % 25),
  leavesLate: i % 2 === 1,
}));

const cases = readModelGoldens().flatMap(({ architecture, cases: [golden] }) =>
  golden === undefined ? [] : [{ architecture, golden }],
);

describe.each(cases)("a batch of $architecture", ({ golden }) => {
  let model: LanguageModel;
  beforeAll(async () => {
    ({ model } = await buildModel(golden));
  });
  afterAll(() => model?.dispose());

  it("gives each sequence the tokens it gets alone, while others join and leave", ({ skip }) => {
    if (model.makeBatchCache([0]) === undefined) skip("its caches cannot be batched");
    expect(together(model, plans)).toEqual(plans.map((plan) => alone(model, plan)));
  });
});
