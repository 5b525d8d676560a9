import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RotatingKVCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import type { GenerateRequest } from "../../src/engine/index.ts";
import { MlxError } from "../../src/errors.ts";
import { type TextModel, TextScheduler } from "../../src/generation/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { loadModel } from "../../src/load/load-model.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { activeMemory } from "../active-memory.ts";
import { device } from "../device.ts";
import { smolLM2 } from "./smollm2.ts";

/** Models whose caches or forward a test replaces. */
type Replaceable = { -readonly [Name in "makeCache" | "forward"]: LanguageModel[Name] };

describe("a scheduler", () => {
  let text: TextModel;
  let original: Replaceable;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    const { model, tokenizer, eosTokenIds } = await loadModel(smolLM2, { device });
    if (tokenizer === undefined) throw new Error("no tokenizer");
    text = { model, tokenizer, eosTokenIds, vocabSize: 49_152, contextLength: 8192, device };
    original = { makeCache: model.makeCache, forward: model.forward };
  });
  afterEach(() => Object.assign(text.model, original));
  afterAll(() => text?.model.dispose());

  /** Answers some prompts together; `order` names who got each part, in time. */
  const run = async (
    scheduler: TextScheduler,
    prompts: number[][],
    request: Partial<GenerateRequest> = {},
  ) => {
    const order: number[] = [];
    const answers = prompts.map(async (prompt, i) => {
      const tokens: number[] = [];
      await scheduler.generate(
        new TextPrompt(text.model, prompt),
        { prompt, maxTokens: 6, ignoreEos: true, ...request },
        {
          emit: (part) => {
            order.push(i);
            if (part.type === "text-delta") tokens.push(...part.tokens);
          },
        },
      );
      return tokens;
    });
    return { order, outcomes: await Promise.allSettled(answers) };
  };

  const prompts = [
    [504, 3575, 282],
    [1, 2, 3, 4, 5, 6, 7],
    [260, 2240],
  ];
  const isSorted = (order: number[]): boolean => order.every((x, i) => i === 0 || x >= (order[i - 1] ?? 0));

  it("answers one after another where caches cannot be batched, each as alone", async () => {
    const { outcomes: expected } = await run(new TextScheduler(text), prompts);
    text.model.makeCache = () => text.model.layers.map(() => new RotatingKVCache(4096, 4));
    const scheduler = new TextScheduler(text, 8);
    expect(scheduler.maxBatchSize).toBe(1);
    const { order, outcomes } = await run(scheduler, prompts);
    expect(isSorted(order)).toBe(true);
    expect(outcomes).toEqual(expected);
  });

  it("answers together where they can be", async () => {
    const { order } = await run(new TextScheduler(text), prompts);
    expect(isSorted(order)).toBe(false);
  });

  it("fails every answer of a step that fails, frees them, and answers the next requests", async () => {
    const scheduler = new TextScheduler(text);
    const { outcomes: expected } = await run(scheduler, prompts);
    const before = activeMemory();
    let steps = 0;
    text.model.forward = (tokens, options) => {
      if (tokens.dim(0) === prompts.length && ++steps === 2) throw new Error("broken step");
      return original.forward.call(text.model, tokens, options);
    };
    const { outcomes } = await run(scheduler, prompts);
    expect(outcomes.map((outcome) => outcome.status === "rejected" && String(outcome.reason))).toEqual(
      prompts.map(() => "Error: broken step"),
    );
    expect(activeMemory()).toBe(before);
    expect((await run(scheduler, prompts)).outcomes).toEqual(expected);
  });

  it("fails alone what fails while its prompt is read", async () => {
    const scheduler = new TextScheduler(text);
    const { outcomes: expected } = await run(scheduler, prompts);
    text.model.forward = (tokens, options) => {
      if (tokens.dim(1) === (prompts[1]?.length ?? 0) - 1) throw new Error("broken prompt");
      return original.forward.call(text.model, tokens, options);
    };
    const { outcomes } = await run(scheduler, prompts);
    expect(outcomes[1]).toMatchObject({ status: "rejected", reason: { message: "broken prompt" } });
    expect([outcomes[0], outcomes[2]]).toEqual([expected[0], expected[2]]);
  });

  it("reads a prompt once more when what earlier requests left behind took the memory", async () => {
    const prefixes = new PrefixCache(2 ** 30);
    const scheduler = new TextScheduler(text, 8, prefixes);
    const { outcomes: expected } = await run(new TextScheduler(text), prompts);
    await run(scheduler, [[9, 8, 7]]);
    let failures = 0;
    text.model.forward = (tokens, options) => {
      if (prefixes.bytes > 0) {
        failures += 1;
        throw new MlxError("out-of-memory", "no memory beside the prefixes");
      }
      return original.forward.call(text.model, tokens, options);
    };
    const { outcomes } = await run(scheduler, prompts.slice(0, 1));
    expect([failures, outcomes]).toEqual([1, expected.slice(0, 1)]);
    prefixes.clear();
  });

  it("fails alone what its receiver does not take", async () => {
    const scheduler = new TextScheduler(text);
    const { outcomes: expected } = await run(scheduler, prompts);
    const emit = () => {
      throw new Error("receiver is gone");
    };
    const refused = scheduler.generate(
      new TextPrompt(text.model, [1, 2]),
      { prompt: [1, 2], maxTokens: 9, ignoreEos: true },
      { emit },
    );
    const both = Promise.all([run(scheduler, prompts), refused.catch((error: unknown) => String(error))]);
    const [{ outcomes }, reason] = await both;
    expect(reason).toBe("Error: receiver is gone");
    expect(outcomes).toEqual(expected);
  });
});
