import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import type { GenerateRequest, GenerationPart } from "../../src/engine/index.ts";
import { type TextModel, TextScheduler } from "../../src/generation/index.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import type { ReasoningFormat } from "../../src/generation/reasoning/index.ts";
import { loadModel } from "../../src/load/load-model.ts";
import { device } from "../device.ts";
import { smolLM2 } from "./smollm2.ts";

/** Control tokens that SmolLM2 never says by itself. */
const [START, END, CHANNEL, MESSAGE] = [4, 5, 6, 7];
const WORDS = [198, 42, 43, 44]; // what they say does not matter here
/** A text that it goes on with, and repeats itself. */
const PROMPT = [504, 3575, 282, 4649, 314];

type Finish = Extract<GenerationPart, { type: "finish" }>;

/** SmolLM2, as if it reasoned. */
describe("a budget of reasoning", () => {
  let text: TextModel;
  beforeAll(async () => {
    mx.setDefaultDevice(device);
    const { model, tokenizer, eosTokenIds } = await loadModel(smolLM2, { device, exact: true }); // no last bits decide
    if (tokenizer === undefined) throw new Error("no tokenizer");
    const reasoning: ReasoningFormat = {
      start: [START],
      end: [END],
      otherEnds: [],
      next: [],
      lastWords: WORDS,
      isFirst: true,
      isBlank: (token) => tokenizer.decode([token]).trim() === "",
    };
    text = { model, tokenizer, eosTokenIds, vocabSize: 49_152, contextLength: 8192, device, reasoning };
  });
  afterAll(() => text?.model.dispose());

  const openScheduler = (reasoning: Partial<ReasoningFormat> = {}, prefixes?: PrefixCache): TextScheduler => {
    if (text.reasoning === undefined) throw new Error("SmolLM2 was to reason");
    return new TextScheduler({ ...text, reasoning: { ...text.reasoning, ...reasoning } }, 8, prefixes);
  };

  const ask = async (
    request: Partial<GenerateRequest>,
    { prompt = [...PROMPT, START], scheduler = openScheduler() } = {},
  ) => {
    const tokens: number[] = [];
    let finish: Finish | undefined;
    await scheduler.generate(
      new TextPrompt(text.model, prompt),
      {
        prompt,
        maxTokens: 40,
        ignoreEos: true,
        keepSpecialTokens: ["<reponame>", "<file_sep>", "<filename>", "<gh_stars>"],
        ...request,
      },
      {
        emit: (part) => {
          if (part.type === "text-delta") tokens.push(...part.tokens);
          if (part.type === "finish") finish = part;
        },
      },
    );
    const { usage, rawFinishReason, timings } = finish ?? {};
    return { tokens, usage, timings, raw: rawFinishReason, reasoned: usage?.reasoningTokens };
  };

  it("changes nothing before it is used up, then ends the reasoning and lets the model answer", async () => {
    const free = await ask({});
    expect(free.reasoned).toBe(40);
    const { tokens, reasoned, usage } = await ask({ reasoningBudget: 12 });
    expect(tokens).toHaveLength(40);
    expect(tokens.slice(0, 8)).toEqual(free.tokens.slice(0, 8));
    expect(tokens.slice(8, 13)).toEqual([...WORDS, END]);
    expect([reasoned, usage?.outputTokens]).toEqual([12, 40]);
    const answer = await ask({ maxTokens: 27 }, { prompt: [...PROMPT, START, ...tokens.slice(0, 13)] });
    expect(tokens.slice(13)).toEqual(answer.tokens);
    expect(answer.reasoned).toBe(0);
  });

  it.each([0, 1, 7])("of %i tokens has no room for last words", async (reasoningBudget) => {
    const free = await ask({});
    const { tokens, reasoned } = await ask({ reasoningBudget });
    expect(tokens.slice(0, reasoningBudget + 1)).toEqual([...free.tokens.slice(0, reasoningBudget), END]);
    expect(reasoned).toBe(reasoningBudget);
  });

  it("holds for reasoning that the model opens", async () => {
    const opens = { logitBias: { [START]: 1000 }, reasoningBudget: 3 };
    const { tokens, reasoned } = await ask(opens, { prompt: PROMPT });
    expect(tokens.slice(0, 5)).toEqual([START, START, START, START, END]); // the first one opens
    expect(tokens.slice(5)).not.toContain(START); // it cannot begin again
    expect(reasoned).toBe(3);
  });

  it("leaves an answer alone that began without reasoning, or went on after it by itself", async () => {
    const plain = await ask({}, { prompt: PROMPT });
    expect(await ask({ reasoningBudget: 0 }, { prompt: PROMPT })).toMatchObject({ tokens: plain.tokens });

    const free = await ask({});
    const end = free.tokens[5] ?? Number.NaN; // as if it were the mark
    const scheduler = openScheduler({ end: [end], start: [START] });
    const ended = await ask({ reasoningBudget: 20 }, { scheduler });
    expect(ended).toMatchObject({ tokens: free.tokens, reasoned: free.tokens.indexOf(end) });
  });

  it("ends a mark of several tokens that the model had begun", async () => {
    const free = await ask({});
    const [second = 0, third = 0] = free.tokens.slice(1, 3);
    const scheduler = openScheduler({ end: [second, third, END], lastWords: [] });
    const { tokens, reasoned } = await ask({ reasoningBudget: 3 }, { scheduler });
    expect(tokens.slice(0, 4)).toEqual([...free.tokens.slice(0, 3), END]);
    expect(reasoned).toBe(1);
  });

  it("has a model of channels go on in another one, which it chooses itself", async () => {
    const channels = { start: [CHANNEL, START, MESSAGE], end: [END], otherEnds: [[CHANNEL]], isFirst: false };
    const scheduler = openScheduler({ ...channels, next: [MESSAGE, CHANNEL], lastWords: [] });
    const reopens = { [START]: 1000, 300: 900 };
    const { tokens, reasoned } = await ask(
      { reasoningBudget: 5, logitBias: reopens },
      { prompt: [...PROMPT, ...channels.start], scheduler },
    );
    const thought = [START, START, START, START, START];
    expect(tokens.slice(0, 9)).toEqual([...thought, END, MESSAGE, CHANNEL, 300]);
    expect(tokens[9]).toBe(START); // a word like any other, elsewhere
    expect(reasoned).toBe(5);
  });

  it("is kept however likely other tokens are, and drawn at any temperature", async () => {
    for (const sampling of [
      { temperature: 2, topK: 40, seed: 3 },
      { temperature: 1, topP: 0.1, seed: 4 },
      { temperature: 1, minP: 0.5, seed: 4, logitBias: { 300: 1000, [END]: -1000 } },
      { repetitionPenalty: 5, presencePenalty: 50, frequencyPenalty: 50 },
    ]) {
      const { tokens, reasoned } = await ask({ reasoningBudget: 10, ...sampling });
      expect(tokens.slice(6, 11)).toEqual([...WORDS, END]);
      expect(reasoned).toBe(10);
    }
  });

  it("changes no other answer of the batch, nor do they change it", async () => {
    const requests: Partial<GenerateRequest>[] = [
      { maxTokens: 24 },
      { reasoningBudget: 9 },
      { reasoningBudget: 0, temperature: 1, seed: 5 },
      { reasoningBudget: 20, temperature: 0.9, topP: 0.9, seed: 6, repetitionPenalty: 1.2 },
      { reasoningBudget: 5, maxTokens: 7 },
      { temperature: 1, seed: 7, maxTokens: 30 },
    ];
    const of = ({ tokens, raw, reasoned }: Awaited<ReturnType<typeof ask>>) => ({ tokens, raw, reasoned });
    const alone = [];
    for (const request of requests) alone.push(of(await ask(request)));
    const scheduler = openScheduler();
    const together = await Promise.all(requests.map((request) => ask(request, { scheduler })));
    expect(together.map(of)).toEqual(alone);
  });

  it.each<Partial<GenerateRequest>>([{}, { temperature: 0.5, seed: 8 }])(
    "says the same with drafts: %j",
    async (sampling) => {
      // what it says now it has said before, all through the end of its reasoning
      const prompt = [...PROMPT, ...PROMPT, ...PROMPT, START];
      const asked = { reasoningBudget: 30, maxTokens: 80, ...sampling };
      const plain = await ask(asked, { prompt });
      const guessed = await ask({ ...asked, promptLookup: true, numDraftTokens: 4 }, { prompt });
      expect(guessed.tokens).toEqual(plain.tokens);
      expect(guessed.reasoned).toBe(30);
      expect(guessed.timings?.acceptedTokens).toBeGreaterThan(0);
    },
  );

  it("leaves what was said to prompts that go on from it", async () => {
    const prefixes = new PrefixCache(2 ** 28);
    const scheduler = openScheduler({}, prefixes);
    const { tokens } = await ask({ reasoningBudget: 10 }, { scheduler });
    const prompt = [...PROMPT, START, ...tokens, 300, 301];
    const cached = await ask({ maxTokens: 8 }, { prompt, scheduler });
    expect(cached.usage?.cachedInputTokens).toBeGreaterThan(PROMPT.length + 11);
    expect(cached.tokens).toEqual((await ask({ maxTokens: 8 }, { prompt })).tokens);
    prefixes.clear();
  });

  it("may be cut off by maxTokens, and is nothing where it is not less", async () => {
    const free = await ask({ maxTokens: 12 });
    expect(await ask({ maxTokens: 12, reasoningBudget: 12 })).toMatchObject({
      tokens: free.tokens,
      raw: "max-tokens",
    });
    const cut = await ask({ maxTokens: 10, reasoningBudget: 9 });
    expect(cut).toMatchObject({ raw: "max-tokens", reasoned: 9 });
    expect(cut.tokens.slice(5)).toEqual([...WORDS, END]);
  });

  it("says nothing that stands in a stop string, and lets the answer end with one", async () => {
    const { tokens } = await ask({ reasoningBudget: 9, stop: ["no more time"] });
    expect(tokens.indexOf(END)).toBe(9);
    const said = text.tokenizer.decode(tokens.slice(-6, -3));
    const stopped = await ask({ reasoningBudget: 9, stop: ["no more time", said] });
    expect(stopped).toMatchObject({ raw: "stop-sequence", reasoned: 9 });
  });

  it("is refused where it is no number of tokens, and by models without marks", async () => {
    await expect(ask({ reasoningBudget: -1 })).rejects.toThrow("reasoningBudget");
    await expect(ask({ reasoningBudget: 1.5 })).rejects.toThrow("reasoningBudget");
    const { reasoning: _, ...other } = text;
    await expect(ask({ reasoningBudget: 5 }, { scheduler: new TextScheduler(other) })).rejects.toMatchObject({
      code: "unsupported-feature",
      details: { feature: "reasoningBudget" },
    });
  });
});
