import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  createFallbackChain,
  createLLM,
  type DeltaPart,
  generateObject,
  QuotaExceededError,
  registerProvider,
  Session,
  tool,
  withRetry,
} from "../../src/index.ts";
import { FakeLLM } from "../../src/testing/index.ts";

const weather = tool({
  name: "get_weather",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `Rain in ${city}`,
});

const asksForParis = { toolCalls: [{ name: "get_weather", arguments: { city: "Paris" } }] };

describe("a fake model", () => {
  test("answers in order, and tells what it was asked", async () => {
    const llm = new FakeLLM(["one", "two"], { systemPrompt: "Be brief." });
    expect((await llm.generate("first")).text).toBe("one");
    expect((await llm.generate("second", { temperature: 0 })).text).toBe("two");
    expect(llm.calls.map(({ messages }) => messages)).toEqual([
      [
        { role: "system", content: "Be brief." },
        { role: "user", content: "first" },
      ],
      [
        { role: "system", content: "Be brief." },
        { role: "user", content: "second" },
      ],
    ]);
    expect(llm.calls.map(({ callOptions }) => callOptions.temperature)).toEqual([undefined, 0]);
  });

  test("fails once its answers are used up, and says so", async () => {
    const llm = new FakeLLM(["one"]);
    await llm.generate("first");
    await expect(llm.generate("second")).rejects.toMatchObject({
      name: "GenerationError",
      retryable: false,
      message: "[fake] The fake model was asked 2 times but has 1 answers; give it more, or a function",
    });
  });

  test("answers by a function of what it is asked", async () => {
    const llm = new FakeLLM(async ({ messages }) => `You said ${messages.at(-1)?.content}`);
    expect((await llm.generate("hi")).text).toBe("You said hi");
    expect((await llm.generate("ho")).text).toBe("You said ho");
  });

  test("counts words as tokens, in usage and before a call", async () => {
    const llm = new FakeLLM(["It is late.", { text: "x", usage: { inputTokens: 7, cachedInputTokens: 5 } }]);
    expect(await llm.countTokens("What time is it?")).toBe(4);
    expect((await llm.generate("What time is it?")).usage).toEqual({
      inputTokens: 4,
      outputTokens: 3,
      totalTokens: 7,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    });
    const { usage } = await llm.generate("again");
    expect(usage).toMatchObject({ inputTokens: 7, outputTokens: 1, totalTokens: 8, cachedInputTokens: 5 });
  });

  test("streams what it thinks and says word by word", async () => {
    const llm = new FakeLLM([{ reasoning: "Hm, well.", text: " It is  late.\n" }]);
    const stream = llm.stream("What time is it?");
    const parts: DeltaPart[] = [];
    for await (const part of stream) if (part.type !== "finish" && part.type !== "error") parts.push(part);
    expect(parts).toEqual([
      { type: "reasoning-delta", text: "Hm," },
      { type: "reasoning-delta", text: " well." },
      { type: "text-delta", text: " It" },
      { type: "text-delta", text: " is" },
      { type: "text-delta", text: "  late." },
      { type: "text-delta", text: "\n" },
    ]);
    expect(await stream.response).toMatchObject({ text: " It is  late.\n", reasoning: "Hm, well." });
  });

  test("asks for tools, which run, and sees their results", async () => {
    const llm = new FakeLLM([asksForParis, "Take an umbrella."]);
    const { text, usage } = await llm.generate("Umbrella?", { tools: [weather] });
    expect(text).toBe("Take an umbrella.");
    expect(usage.totalTokens).toBeGreaterThan(0);
    expect(llm.calls[1]?.messages.at(-1)).toMatchObject({ role: "tool", content: "Rain in Paris" });
  });

  test("gives each tool call another id", async () => {
    const llm = new FakeLLM([{ toolCalls: [{ name: "a" }, { name: "b" }] }, { toolCalls: [{ name: "a" }] }]);
    const tools = [{ name: "a" }, { name: "b" }];
    const first = await llm.generate("x", { tools });
    const second = await llm.generate("x", { tools });
    const ids = [...first.toolCalls, ...second.toolCalls].map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
  });

  test("has its values checked, and is asked again", async () => {
    const llm = new FakeLLM([{ object: { eggs: "many" } }, { object: { eggs: 3 } }]);
    const { object } = await generateObject(llm, "A cake", z.object({ eggs: z.int() }));
    expect(object).toEqual({ eggs: 3 });
    expect(llm.calls).toHaveLength(2);
  });

  test("fails with an error at once, so that a chain goes on", async () => {
    const busy = new QuotaExceededError("Slow down", { retryable: true, retryAfterMs: 1 });
    const chain = await createFallbackChain([new FakeLLM([busy]), new FakeLLM(["second"])]);
    expect((await chain.generate("x")).text).toBe("second");
    expect((await withRetry(new FakeLLM([busy, "again"])).generate("x")).text).toBe("again");
  });

  test("breaks off behind its text", async () => {
    const failure = new Error("cut");
    const stream = new FakeLLM([{ text: "one two", error: failure }]).stream("x");
    await expect(stream.response).rejects.toBe(failure);
    expect(stream.written.text).toBe("one two");
  });

  test("is slow where a test wants it, and ends with the signal", async () => {
    const llm = new FakeLLM([{ text: "one two three", delayMs: 60_000 }]);
    await expect(llm.generate("x", { timeout: 20 })).rejects.toMatchObject({ name: "RequestTimeoutError" });
  });

  test("keeps to limits of length, so that a session leaves turns out", async () => {
    const llm = new FakeLLM(() => "four words of answer");
    await expect(llm.generate("one two three", { maxInputTokens: 2 })).rejects.toMatchObject({
      name: "ContextWindowExceededError",
    });
    const session = new Session(llm, { truncationStrategy: "rollingWindow", maxInputTokens: 6 });
    await session.send("one two three");
    const { warnings } = await session.send("four five six");
    expect(warnings.join()).toContain("2 of its messages were left out");
    expect(llm.calls.at(-1)?.messages).toEqual([{ role: "user", content: "four five six" }]);
  });

  test("reranks by the words of the query", async () => {
    const documents = ["the bakery opens", "the river flows to the sea", "a river"];
    const { results, ...response } = await new FakeLLM([]).rerank("river sea", documents, { topN: 2 });
    expect(results.map(({ index, score }) => [index, score])).toEqual([
      [1, 1],
      [2, 0.5],
    ]);
    expect(response).toMatchObject({ model: "fake", provider: "fake", usage: { inputTokens: 17 } });
  });

  test("embeds texts near those with the same words", async () => {
    const llm = new FakeLLM([]);
    const texts = ["The cat sleeps.", "the CAT sleeps", "Stocks fell", "cat food", "..."];
    const { embeddings, usage } = await llm.embed(texts, { dimensions: 32 });
    const [a = [], b, c = [], d = []] = embeddings;
    const dot = (x: readonly number[]) => x.reduce((sum, value, index) => sum + value * (a[index] ?? 0), 0);
    expect(b).toEqual(a);
    expect(dot(a)).toBeCloseTo(1);
    expect(dot(d)).toBeGreaterThan(dot(c));
    expect(embeddings.map((vector) => Math.hypot(...vector))).toEqual(Array(5).fill(expect.closeTo(1)));
    expect(usage.inputTokens).toBe(11);
  });

  test("stands behind the name of a provider", async () => {
    const fake = new FakeLLM(["from the fake"]);
    registerProvider("fake-of-this-test", async () => ({ createProvider: () => fake }));
    const llm = await createLLM("fake-of-this-test", { model: "any" });
    expect((await llm.generate("x")).text).toBe("from the fake");
  });
});

const wrong = <T>(value: unknown) => value as T;

test.each<[string, () => unknown, string]>([
  [
    "answers that are none",
    () => new FakeLLM(wrong("hi")),
    'Expected array of answers, or function that gives them, but received string "hi"',
  ],
  ["an answer that is none", () => new FakeLLM([wrong(5)]), "as answer but received number 5"],
  [
    "a misspelt field",
    () => new FakeLLM([wrong({ txt: "hi" })]),
    'Unknown option "txt"; did you mean "text"?',
  ],
  [
    "a tool call without a name",
    () => new FakeLLM([wrong({ toolCalls: [{}] })]),
    "Expected array of { name, arguments } for toolCalls",
  ],
  ["a misspelt option", () => new FakeLLM([], wrong({ temprature: 1 })), 'did you mean "temperature"?'],
])("a fake model refuses %s", (_, make, message) => {
  expect(make).toThrow(
    expect.objectContaining({ name: "InvalidParameterError", message: expect.stringContaining(message) }),
  );
});
