/** Drafts in an engine: requests with them beside requests without. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Engine, type EngineModel, type GenerateRequest, startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectAnswer } from "./answer.ts";
import { grammarProblem } from "./grammar-problem.ts";
import { smolLM2 as path } from "./smollm2.ts";
import { picture, show, writeTinyFlorence2, writeTinyLlava } from "./tiny-llava.ts";

/** An answer to it repeats much of it. */
const prompt =
  "Names: Ada Lovelace, Alan Turing, Grace Hopper, Edsger Dijkstra, Barbara Liskov.\n" +
  "Names: Ada Lovelace, Alan Turing, Grace Hopper,";

const collect = (model: EngineModel, request: Partial<GenerateRequest>, signal?: AbortSignal) =>
  collectAnswer(model, { prompt, maxTokens: 32, ignoreEos: true, ...request }, signal);

let engine: Engine;
let plain: EngineModel;
let drafted: EngineModel;
beforeAll(async () => {
  engine = await startEngine({ device: "cpu" });
  // exact, so that another kernel's last bits decide nothing
  plain = await engine.load({ path, exact: true, promptCacheBytes: 0 });
  drafted = await engine.load({ path, exact: true, draftModel: { path } });
});
afterAll(() => engine?.dispose());

const ways: [string, () => { model: EngineModel; options: Partial<GenerateRequest> }][] = [
  ["a draft model", () => ({ model: drafted, options: { numDraftTokens: 3 } })],
  ["prompt lookup", () => ({ model: plain, options: { promptLookup: true } })],
  ["both", () => ({ model: drafted, options: { promptLookup: true } })],
];

describe.each(ways)("with %s", (_, way) => {
  it.each<Partial<GenerateRequest>>([
    {},
    { temperature: 0.8, topP: 0.9, topK: 40, minP: 0.02, seed: 7 },
    { repetitionPenalty: 1.1, frequencyPenalty: 0.2, logitBias: { 28: -3 } },
    { stop: ["Barbara L", "Dijkstra, Barb"] },
    { ignoreEos: false },
    { maxTokens: 1 },
    { maxTokens: 7 },
  ])("an answer is what it is without: %j", async (request) => {
    const { model, options } = way();
    const alone = await collect(plain, request);
    const { text, tokens, finish } = await collect(model, { ...request, ...options });
    expect([text, tokens]).toEqual([alone.text, alone.tokens]);
    expect(finish).toMatchObject({
      rawFinishReason: alone.finish.rawFinishReason,
      usage: { outputTokens: alone.finish.usage.outputTokens },
      warnings: [],
    });
    expect(alone.finish.timings).not.toHaveProperty("draftedTokens");
  });

  it("tells how many guesses were right", async () => {
    const { model, options } = way();
    const { draftedTokens = 0, acceptedTokens = 0 } = (await collect(model, options)).finish.timings;
    expect(acceptedTokens).toBeGreaterThan(8);
    expect(draftedTokens).toBeGreaterThanOrEqual(acceptedTokens);
  });

  it("an abort ends an answer between two steps, and the next one is whole", async () => {
    const { model, options } = way();
    const alone = await collect(plain, {});
    const abort = new AbortController();
    const tokens: number[] = [];
    const parts = model.generate(
      { prompt, maxTokens: 500, ignoreEos: true, ...options },
      { signal: abort.signal },
    );
    const aborted = (async () => {
      for await (const part of parts) {
        if (part.type === "text-delta") tokens.push(...part.tokens);
        if (tokens.length > 4) abort.abort();
      }
    })();
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
    expect(tokens.length).toBeLessThan(500);
    expect((await collect(model, options)).tokens).toEqual(alone.tokens);
  });

  it("requests that come together get what each gets alone, and go on with drafts when they are alone again", async () => {
    const { model, options } = way();
    const requests = [{ maxTokens: 40 }, { maxTokens: 3 }, { prompt: [504, 3575, 282], maxTokens: 5 }];
    const alone = [];
    for (const request of requests) alone.push((await collect(plain, request)).tokens);
    const together = await Promise.all(requests.map((request) => collect(model, { ...request, ...options })));
    expect(together.map(({ tokens }) => tokens)).toEqual(alone);
    expect(together[0]?.finish.timings.acceptedTokens).toBeGreaterThan(5);
  });

  it.skipIf(grammarProblem !== undefined)(
    `an answer is held to its constraint${grammarProblem ?? ""}`,
    async () => {
      const { model, options } = way();
      const constraint = { regex: "( [A-Z][a-z]+ [A-Z][a-z]+,){4} end" };
      const request = { constraint, ignoreEos: false, maxTokens: 60 };
      const alone = await collect(plain, request);
      const { text, finish } = await collect(model, { ...request, ...options });
      expect(text).toBe(alone.text);
      expect(finish.rawFinishReason).toBe("constraint");
      expect(finish.timings.acceptedTokens).toBeGreaterThan(3);
    },
  );
});

it("0 guesses nothing", async () => {
  const { finish } = await collect(drafted, { promptLookup: true, numDraftTokens: 0 });
  expect(finish.timings).not.toHaveProperty("draftedTokens");
});

it("what was said with drafts is known to the next request", async () => {
  const model = await engine.load({ path, exact: true });
  const first = await model.tokenize(prompt);
  const { tokens } = await collect(model, { prompt: first, promptLookup: true });
  const next = [...first, ...tokens, 198, 504];
  const again = await collect(model, { prompt: next, promptLookup: true });
  expect(again.finish.usage.cachedInputTokens).toBeGreaterThanOrEqual(first.length + tokens.length - 1);
  expect(again.tokens).toEqual((await collect(plain, { prompt: next })).tokens);
  await model.dispose();
});

it("caches of a few bits go back as others do", async () => {
  const model = await engine.load({ path, exact: true, kvBits: 8 });
  const alone = await collect(model, {});
  const { tokens, finish } = await collect(model, { promptLookup: true });
  expect(tokens).toEqual(alone.tokens);
  expect(finish.timings.acceptedTokens).toBeGreaterThan(8);
  await model.dispose();
});

it.each([
  [{ numDraftTokens: 2 }, "numDraftTokens means nothing without promptLookup or a draft model"],
  [{ promptLookup: true, numDraftTokens: 65 }, "between 0 and 64 for numDraftTokens"],
  [{ promptLookup: true, numDraftTokens: 1.5 }, "whole number between 0 and 64 for numDraftTokens"],
  [{ promptLookup: "yes" as unknown as boolean }, 'true or false for promptLookup but received string "yes"'],
])("a request with %j is refused", async (request, message) => {
  await expect(collect(plain, request)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining(message),
  });
});

describe("a draft model", () => {
  let seeing: string;
  let encoding: string;
  beforeAll(async () => {
    [seeing, encoding] = [await writeTinyLlava(), await writeTinyFlorence2()];
  });
  afterAll(() => {
    for (const folder of [seeing, encoding]) rmSync(folder, { recursive: true });
  });

  it("is told of with the model", () => {
    expect(drafted.info.draftModel).toEqual({ modelType: "llama", weightBytes: drafted.info.weightBytes });
    expect(plain.info).not.toHaveProperty("draftModel");
  });

  it("that is not there is no model", async () => {
    const loading = engine.load({ path, draftModel: { path: join(seeing, "none") } });
    await expect(loading).rejects.toMatchObject({ code: "model-not-found" });
  });

  it("that cannot draft for a model is refused with the reason, and both are freed", async () => {
    const { activeBytes } = await engine.memory();
    for (const [model, draft, reason] of [
      [path, seeing, /has other tokens: 0 is "\S+" there and "<\|endoftext\|>" in the model it drafts for/],
      [path, encoding, /reads prompts with an encoder, so it cannot draft/],
      [encoding, seeing, /whose prompt an encoder reads has no draft model/],
    ] as const) {
      await expect(engine.load({ path: model, draftModel: { path: draft } })).rejects.toMatchObject({
        code: "unsupported-feature",
        message: expect.stringMatching(reason),
        details: { feature: "draftModel" },
      });
    }
    expect((await engine.memory()).activeBytes).toBe(activeBytes);
  });

  it("is not asked about images, which it does not see; prompt lookup goes on behind them", async () => {
    const model = await engine.load({ path: seeing, exact: true, draftModel: { path: seeing } });
    const request = { prompt: [show("w1 w2 w3 w1 w2", picture(1))], maxTokens: 24 };
    const alone = await collect(model, { ...request, numDraftTokens: 0 });
    const unasked = await collect(model, request);
    const lookedUp = await collect(model, { ...request, promptLookup: true });
    expect([unasked.tokens, lookedUp.tokens]).toEqual([alone.tokens, alone.tokens]);
    expect(unasked.finish.timings).not.toHaveProperty("draftedTokens");
    expect(lookedUp.finish.timings.draftedTokens).toBeGreaterThan(0);
    const text = await collect(model, { prompt: "w1 w2 w3", maxTokens: 8 });
    expect(text.finish.timings.draftedTokens).toBeGreaterThan(0);
    await model.dispose();
  });
});
