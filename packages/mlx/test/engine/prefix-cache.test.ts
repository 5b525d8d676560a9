import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { SequenceBatch } from "../../src/generation/sequence-batch.ts";
import type { TokenSequence } from "../../src/generation/token-sequence.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { activeMemory } from "../active-memory.ts";
import { expectSameLogits } from "../parity/compare-logits.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { ANSWER, ask as askPrompt, type Outcome, openSequence } from "./ask.ts";

const V = 64;

const open = (model: LanguageModel, tokens: number[], prefixes?: PrefixCache): TokenSequence =>
  openSequence(model, new TextPrompt(model, tokens), prefixes);

const ask = (model: LanguageModel, tokens: number[], prefixes?: PrefixCache): Outcome =>
  askPrompt(model, new TextPrompt(model, tokens), prefixes);

/** Answers prompts together, each from its prefill on. */
const askTogether = (
  model: LanguageModel,
  prompts: number[][],
  prefixes?: PrefixCache,
): Outcome["tokens"][] => {
  const batch = new SequenceBatch(model);
  const answers = new Map<TokenSequence, number[]>();
  const next = () => {
    const left = (sequence: TokenSequence) => ANSWER - (answers.get(sequence)?.length ?? 0);
    for (const [sequence, tokens] of batch.next(left)) answers.get(sequence)?.push(...tokens);
  };
  for (const prompt of prompts) {
    const sequence = open(model, prompt, prefixes);
    answers.set(sequence, []);
    for (const _ of sequence.prefill());
    batch.join(sequence);
    next();
  }
  while (batch.size > 0) next();
  return [...answers.values()];
};

const text = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, i) => (seed * 17 + i * 23 + 5) % V);

/** One for each kind of cache; what they have in common with others is tried on all. */
const KINDS = new Set([
  "llama",
  "gemma3_text",
  "mamba2",
  "qwen3_next",
  "llama4_text",
  "falcon_h1",
  "minimax_m3_vl",
]);

const cases = readModelGoldens().flatMap(({ architecture, cases: [golden] }) =>
  golden === undefined ? [] : [{ architecture, golden }],
);

describe.each(cases)("prefixes of $architecture", ({ architecture, golden }) => {
  let model: LanguageModel;
  let prefixes: PrefixCache;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    ({ model } = await buildModel(golden));
  });
  beforeEach(() => {
    prefixes = new PrefixCache(2 ** 24);
  });
  afterEach(() => prefixes.clear());
  afterAll(() => model?.dispose());

  const first = text(1, 22);
  /** Whether a prompt of 22 tokens and its answer can be taken back. */
  const isTrimmable = (): boolean => {
    const caches = model.makeCache();
    mx.tidy(() => {
      const tokens = [text(1, first.length + ANSWER)];
      mx.evaluate(model.forward(mx.array(tokens, mx.int32), { cache: caches }));
    });
    const isIt = caches.every((layer) => layer.isTrimmable());
    for (const layer of caches) layer.dispose();
    return isIt;
  };

  const expectAlike = (prompt: number[], reused: number): Outcome => {
    const outcome = ask(model, prompt, prefixes);
    const expected = ask(model, prompt);
    expect(outcome.reused).toBe(reused);
    expectSameLogits(outcome.logits, expected.logits, V);
    expect(outcome.tokens).toEqual(expected.tokens);
    return outcome;
  };

  it("go on behind an answer, and behind a prompt, as if all had been read", () => {
    const { tokens } = expectAlike(first, 0);
    expectAlike(first, first.length - 1); // again
    const second = [...first, ...tokens.slice(0, -1), ...text(2, 9)]; // the last token was never an input
    const after = expectAlike(second, first.length + ANSWER - 1);
    expectAlike([...second, ...after.tokens.slice(0, -1), ...text(3, 4)], second.length + ANSWER - 1);
    const other = ((tokens[0] ?? 0) + 1) % V; // another branch
    expectAlike([...first, other, ...text(5, 7)], isTrimmable() ? first.length : first.length - 1);
  });

  it("serve several at once with different lengths, each as alone", ({ skip }) => {
    if (model.makeBatchCache([0]) === undefined) skip("its caches cannot be batched");
    const { tokens } = ask(model, first, prefixes);
    const behind = [...first, ...tokens.slice(0, -1)];
    const prompts = [first, [...behind, ...text(2, 9)], text(4, 12), first, [...behind, ...text(6, 3)]];
    const alone = prompts.map((prompt) => ask(model, prompt).tokens);
    expect(askTogether(model, prompts, prefixes)).toEqual(alone);
    // what they left, rows of one batch among it, serves as well
    for (const [i, prompt] of prompts.entries()) {
      const going = [...prompt, ...(alone[i] ?? []).slice(0, -1), ...text(8 + i, 5)];
      expectAlike(going, prompt.length + ANSWER - 1);
    }
  });

  if (!KINDS.has(architecture)) return;

  it("serve what only begins alike where positions can be taken back", () => {
    expectAlike(first, 0);
    expectAlike([...first.slice(0, 13), ...text(7, 6)], isTrimmable() ? 13 : 0);
  });

  it("of a prompt that was abandoned serve as far as it came", () => {
    const sequence = open(model, first, prefixes);
    const chunks = sequence.prefill();
    expect([chunks.next().value, chunks.next().value]).toEqual([5, 10]);
    sequence.abandon();
    expectAlike(first, 10);
  });

  it("give bit-equal results when one serves two at once", () => {
    ask(model, first, prefixes);
    const runs = [open(model, first, prefixes), open(model, first, prefixes)].map((sequence) => {
      for (const _ of sequence.prefill());
      return { sequence, ...sequence.release(), logits: [] as Float32Array[] };
    });
    for (let step = 0; step < ANSWER; step++) {
      for (const run of runs) {
        const logits = model.forward(mx.reshape(run.pending, [1, 1]), { cache: run.caches });
        run.pending = mx.argmax(mx.reshape(logits, [-1]), -1, true);
        run.logits.push(logits.toTypedArray() as Float32Array);
      }
    }
    expect(runs[1]?.logits).toEqual(runs[0]?.logits);
    for (const { caches, sequence } of runs) {
      for (const layer of caches) layer.dispose();
      sequence.dispose();
    }
  });

  it("give their memory back", () => {
    const before = activeMemory();
    ask(model, first, prefixes);
    ask(model, text(3, 9), prefixes);
    expect(prefixes.bytes).toBeGreaterThan(0);
    prefixes.clear();
    expect(prefixes.bytes).toBe(0);
    expect(activeMemory()).toBe(before);
  });
});

describe("a cache of prefixes", () => {
  let model: LanguageModel;
  beforeAll(async () => {
    const golden = cases.find(({ architecture }) => architecture === "llama")?.golden;
    if (golden === undefined) throw new Error("no llama");
    ({ model } = await buildModel(golden));
  });
  afterAll(() => model.dispose());

  const prompts = [text(1, 20), text(2, 20), text(3, 20)] as const;
  const reused = (prompt: readonly number[], prefixes: PrefixCache): number =>
    ask(model, [...prompt], prefixes).reused;
  const sizeOfOne = (): number => {
    const prefixes = new PrefixCache(2 ** 30);
    reused(prompts[0], prefixes);
    const { bytes } = prefixes;
    prefixes.clear();
    return bytes;
  };

  it("forgets the least recently used beyond its limit", () => {
    const prefixes = new PrefixCache(2 * sizeOfOne());
    reused(prompts[0], prefixes);
    reused(prompts[1], prefixes);
    expect(reused(prompts[0], prefixes)).toBe(19);
    expect(reused(prompts[2], prefixes)).toBe(0);
    expect(prefixes.bytes).toBeLessThanOrEqual(2 * sizeOfOne());
    expect(reused(prompts[1], prefixes)).toBe(0);
    expect(reused(prompts[2], prefixes)).toBe(19);
    prefixes.clear();
  });

  it.each([0, 100])("keeps nothing that is larger than a limit of %i bytes", (limit) => {
    const prefixes = new PrefixCache(limit);
    const before = activeMemory();
    reused(prompts[0], prefixes);
    expect([reused(prompts[0], prefixes), prefixes.bytes]).toEqual([0, 0]);
    expect(activeMemory()).toBe(before);
  });

  it("keeps one entry for a conversation that grows", () => {
    const prefixes = new PrefixCache(2 ** 30);
    let prompt = [...prompts[0]];
    for (let turn = 0; turn < 3; turn++) {
      const { tokens } = ask(model, prompt, prefixes);
      prompt = [...prompt, ...tokens, ...text(turn, 3)];
    }
    expect(prefixes.bytes).toBeLessThan(2 * sizeOfOne());
    prefixes.clear();
  });

  it("makes room when memory is nearly used up", () => {
    const prefixes = new PrefixCache(2 ** 30);
    reused(prompts[0], prefixes);
    prefixes.makeRoom();
    expect(prefixes.bytes).toBeGreaterThan(0);
    const limit = mx.setMemoryLimit(Math.ceil(activeMemory() * 1.05));
    prefixes.makeRoom();
    mx.setMemoryLimit(limit);
    expect(prefixes.bytes).toBe(0);
  });
});
