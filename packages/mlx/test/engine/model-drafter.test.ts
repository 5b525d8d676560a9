import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { SequenceBatch } from "../../src/generation/sequence-batch.ts";
import { ModelDrafter } from "../../src/generation/speculation/model-drafter.ts";
import { Speculation } from "../../src/generation/speculation/speculation.ts";
import { TokenSequence } from "../../src/generation/token-sequence.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { activeMemory } from "../active-memory.ts";
import { type GoldenCase, readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { speculate } from "./speculate.ts";

const V = 64;
const goldens = new Map(readModelGoldens().map(({ architecture, cases }) => [architecture, cases[0]]));
const build = async (architecture: string) =>
  (await buildModel(goldens.get(architecture) as GoldenCase)).model;

let target: LanguageModel;
beforeAll(async () => {
  target = await build("llama");
});
afterAll(() => target?.dispose());

const prompt = Array.from({ length: 21 }, (_, i) => (i * 23 + 21) % V);

const drafterOf = (model: LanguageModel, prefixes?: PrefixCache) =>
  new ModelDrafter(
    { model, vocabSize: V },
    { vocabSize: V, promptLength: prompt.length, stepSize: 8, prefixes },
  );

// keys and values, windows, recurrent states, lists of caches: each goes back in its own way
describe.each(["llama", "gemma3_text", "mamba2", "recurrent_gemma", "falcon_h1"])(
  "a %s that drafts",
  (name) => {
    let draft: LanguageModel;
    beforeAll(async () => {
      draft = await build(name);
    });
    afterAll(() => draft?.dispose());

    it.each([
      {},
      { temperature: 1.1, seed: 3 },
      { repetitionPenalty: 1.4, presencePenalty: 0.3, logitBias: { 5: 2 } },
    ])("changes nothing that is said: %j", (sampling) => {
      const options = { vocabSize: V, sampling, count: 40 };
      const alone = speculate(target, prompt, options);
      const { tokens, speculation } = speculate(target, prompt, options, drafterOf(draft));
      expect(tokens).toEqual(alone.tokens);
      expect(speculation?.counts.draftedTokens).toBeGreaterThan(0);
      expect(speculation?.warnings).toEqual([]);
    });

    it("says what the same model says by itself, once it has caught up with the prompt", () => {
      const options = { vocabSize: V, sampling: {}, count: 40 };
      const { turns, speculation } = speculate(draft, prompt, options, drafterOf(draft));
      const { draftedTokens, acceptedTokens } = speculation?.counts ?? {};
      expect(acceptedTokens).toBe(draftedTokens);
      expect(turns).toBeLessThanOrEqual(3 + 40 / 5 + 1); // the prompt is read in three stretches
    });
  },
);

it("draws with the random numbers of the model that checks, so that one that drafts for itself is always right", () => {
  const options = { vocabSize: V, sampling: { temperature: 1.3, topP: 0.9, seed: 11 }, count: 40 };
  const { speculation } = speculate(target, prompt, options, drafterOf(target));
  const { draftedTokens, acceptedTokens } = speculation?.counts ?? {};
  expect(acceptedTokens).toBe(draftedTokens);
});

it("goes on from what it read for an earlier request", () => {
  const prefixes = new PrefixCache(2 ** 26);
  const options = { vocabSize: V, sampling: {}, count: 12 };
  const first = speculate(target, prompt, options, drafterOf(target, prefixes));
  let read = 0;
  const forward = target.forward;
  target.forward = (tokens, given) => {
    read += tokens.size;
    return forward.call(target, tokens, given);
  };
  const without = speculate(target, prompt, options);
  const alone = read;
  read = 0;
  const second = speculate(target, prompt, options, drafterOf(target, prefixes));
  target.forward = forward;
  expect([second.tokens, without.tokens]).toEqual([first.tokens, first.tokens]);
  expect(read).toBeLessThan(alone + prompt.length); // it drafts a dozen tokens, and reads no prompt
  prefixes.clear();
});

// after wrong drafts what was right is evaluated with the next step, unless somebody else needs the caches before
describe("of a model whose states cannot go back", () => {
  let recurrent: LanguageModel;
  beforeAll(async () => {
    recurrent = await build("qwen3_5");
  });
  afterAll(() => recurrent?.dispose());

  const sequenceOf = (tokens: readonly number[], speculation?: Speculation, prefixes?: PrefixCache) =>
    new TokenSequence(recurrent, new TextPrompt(recurrent, tokens), {
      sampling: {},
      vocabSize: V,
      prefillStepSize: 8,
      speculation,
      prefixes,
    });

  it.each([4, 5, 6, 7, 8, 9])("another sequence joins after %i turns", (turns) => {
    const others = prompt.slice(3, 12);
    const options = { vocabSize: V, sampling: {}, count: 24 };
    const expected = [prompt, others].map((tokens) => speculate(recurrent, tokens, options).tokens);
    const speculation = new Speculation([drafterOf(target)], {
      prompt,
      numDraftTokens: 1,
      isWord: () => true,
    });
    const [first, second] = [sequenceOf(prompt, speculation), sequenceOf(others)];
    const said = new Map<TokenSequence, number[]>([first, second].map((sequence) => [sequence, []]));
    const batch = new SequenceBatch(recurrent);
    const turn = (): void => {
      const left = (sequence: TokenSequence): number => 24 - (said.get(sequence)?.length ?? 0);
      for (const [sequence, tokens] of batch.next(left)) said.get(sequence)?.push(...tokens);
    };
    for (const _ of first.prefill());
    batch.join(first);
    for (let i = 0; i < turns; i++) turn();
    for (const _ of second.prefill());
    batch.join(second);
    while (batch.size > 0) turn();
    expect([...said.values()]).toEqual(expected);
    expect(speculation.counts.draftedTokens).toBeGreaterThan(speculation.counts.acceptedTokens);
  });

  it.each([4, 5, 6, 7, 8, 9])("a later request goes on from what was said in %i turns", (turns) => {
    const prefixes = new PrefixCache(2 ** 26);
    const speculation = new Speculation([drafterOf(target)], {
      prompt,
      numDraftTokens: 1,
      isWord: () => true,
    });
    const sequence = sequenceOf(prompt, speculation, prefixes);
    for (const _ of sequence.prefill());
    const batch = new SequenceBatch(recurrent);
    batch.join(sequence);
    const said: number[] = [];
    for (let i = 0; i < turns; i++) said.push(...[...batch.next(() => 24).values()].flat());
    batch.leave(new Set([sequence]));
    const [next, options] = [[...prompt, ...said, 7, 11], { vocabSize: V, sampling: {}, count: 8 }];
    const alone = speculate(recurrent, next, options).tokens;
    expect(speculate(recurrent, next, options, undefined, prefixes).tokens).toEqual(alone);
    prefixes.clear();
  });
});

it("keeps no memory when its sequence is gone", () => {
  const before = activeMemory();
  speculate(
    target,
    prompt,
    { vocabSize: V, sampling: { temperature: 1, seed: 1 }, count: 20 },
    drafterOf(target),
  );
  expect(activeMemory()).toBe(before);
});

it("leaves the answer alone when it fails, and says so", () => {
  const options = { vocabSize: V, sampling: {}, count: 20 };
  const alone = speculate(target, prompt, options);
  const drafter = drafterOf(target);
  let drafts = 0;
  const fails: typeof drafter.draft = (context) => {
    if (++drafts === 5) throw new Error("the draft model broke");
    return drafter.draft(context);
  };
  const broken = {
    isHopeful: true,
    append: () => {},
    draft: fails,
    dispose: () => drafter.dispose(),
  };
  const { tokens, speculation } = speculate(target, prompt, options, broken);
  expect(tokens).toEqual(alone.tokens);
  expect(speculation?.warnings).toEqual(["The answer went on without drafts: the draft model broke"]);
});

describe("with a temperature", () => {
  const K = 5;
  const COUNT = 3;
  const SAMPLES = 2000;
  const start = prompt.slice(0, 5);

  /** Probabilities of the `K` likeliest tokens behind others, in double precision. */
  const likeliest = (tokens: readonly number[]): Map<number, number> =>
    mx.tidy(() => {
      const logits = [
        ...(target.forward(mx.array([[...tokens]], mx.int32)).toTypedArray() as Float32Array),
      ].slice(-V);
      const ids = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
      const weights = ids.slice(0, K).map((id) => Math.exp(logits[id] ?? 0));
      const sum = weights.reduce((a, b) => a + b, 0);
      return new Map(weights.map((weight, i) => [ids[i] ?? 0, weight / sum]));
    });

  /** The probability of each answer of `COUNT` tokens. */
  const answers = (tokens: readonly number[], left: number): Map<string, number> => {
    if (left === 0) return new Map([["", 1]]);
    const all = new Map<string, number>();
    for (const [id, p] of likeliest(tokens)) {
      for (const [rest, q] of answers([...tokens, id], left - 1)) all.set(`${id} ${rest}`, p * q);
    }
    return all;
  };

  it("every answer comes as often as the model alone would give it", async () => {
    const draft = await build("llama");
    quantize(draft, { bits: 3, groupSize: 32 }, (path) => draft.quantizationOf(path));
    const expected = answers(start, COUNT);
    const seen = new Map<string, number>();
    let accepted = 0;
    for (let seed = 0; seed < SAMPLES; seed++) {
      const options = { vocabSize: V, sampling: { temperature: 1, topK: K, seed }, count: COUNT };
      const drafter = new ModelDrafter(
        { model: draft, vocabSize: V },
        { vocabSize: V, promptLength: start.length, stepSize: 32, prefixes: undefined },
      );
      const { tokens, speculation } = speculate(target, start, options, drafter);
      const key = tokens.map((id) => `${id} `).join("");
      seen.set(key, (seen.get(key) ?? 0) + 1);
      accepted += speculation?.counts.acceptedTokens ?? 0;
    }
    draft.dispose();
    expect(accepted).toBeGreaterThan(SAMPLES / 4);
    expect(accepted).toBeLessThan(SAMPLES); // of which each has one draft
    expect([...seen.keys()].filter((key) => !expected.has(key))).toEqual([]);
    // rare answers count as one
    const cells = [...expected].map(([key, p]) => ({ want: p * SAMPLES, got: seen.get(key) ?? 0 }));
    const isRare = ({ want }: { want: number }) => want < 8;
    const rare = cells
      .filter(isRare)
      .reduce((sum, c) => ({ want: sum.want + c.want, got: sum.got + c.got }), {
        want: 0,
        got: 0,
      });
    const whole = [...cells.filter((cell) => !isRare(cell)), ...(rare.want > 0 ? [rare] : [])];
    const chiSquared = whole.reduce((sum, { want, got }) => sum + (got - want) ** 2 / want, 0);
    const freedom = whole.length - 1;
    expect(freedom).toBeGreaterThan(20);
    // four standard deviations above the mean: one in tens of thousands of right samplers
    expect(chiSquared).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
  });
});
