import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SamplingOptions } from "../../src/engine/index.ts";
import type { DraftContext, Drafter } from "../../src/generation/speculation/drafter.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { speculate } from "./speculate.ts";

const COUNT = 16;

/** Drafts of an answer that is known, which go wrong after so many tokens. */
class Oracle implements Drafter {
  readonly isHopeful = true;
  readonly #answer: readonly number[];
  readonly #rightOnes: readonly number[];
  #turn = 0;

  /** @param rightOnes - how many tokens are right, draft by draft */
  constructor(answer: readonly number[], rightOnes: readonly number[]) {
    this.#answer = answer;
    this.#rightOnes = rightOnes;
  }

  append(): void {}

  draft({ tokens, limit }: DraftContext): number[] {
    const right = this.#rightOnes[this.#turn++ % this.#rightOnes.length] ?? 0;
    const rest = this.#answer.slice(tokens.length, tokens.length + limit);
    return rest.map((token, i) => (i < right ? token : (token + 1) % 64));
  }

  dispose(): void {}
}

/** Longer than the windows of the tiny models. */
const prompt = Array.from({ length: 21 }, (_, i) => (i * 23 + 21) % 64);

const samplings: SamplingOptions[] = [{}, { temperature: 0.9, topP: 0.9, repetitionPenalty: 1.2, seed: 5 }];

/** A position attends to one more than the caches keep, in Python as well: steps and stretches differ. */
const isStepped = (name: string) => name.includes("narrow window");

const cases = readModelGoldens().flatMap(({ architecture, cases: goldens }) =>
  goldens
    .filter(({ name }) => !isStepped(name))
    .map((golden) => ({ architecture, name: golden.name, golden })),
);

describe.each(cases)("drafts for $architecture, $name", ({ golden }) => {
  const vocabSize = Number(golden.config.vocab_size);
  let model: LanguageModel;
  beforeAll(async () => {
    ({ model } = await buildModel(golden));
  });
  afterAll(() => model?.dispose());

  it.each(samplings)("never change what is said: %j", (sampling) => {
    const alone = speculate(model, prompt, { vocabSize, sampling, count: COUNT });
    const all = [...prompt, ...alone.tokens];
    const tried = speculate(
      model,
      prompt,
      { vocabSize, sampling, count: COUNT },
      new Oracle(all, [4, 2, 0, 3, 1]),
    );
    expect(tried.tokens).toEqual(alone.tokens);
    expect(tried.speculation?.counts.acceptedTokens).toBeGreaterThan(0);
    expect(tried.turns).toBeLessThan(alone.turns);
  });
});
