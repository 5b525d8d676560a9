import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLLM, type GenerateOptions, type StreamPart } from "../src/index.ts";
import { grammarProblem } from "./support/grammar-problem.ts";
import { type UniformModel, writeUniformModel } from "./support/uniform-model.ts";

const END = 1;

/** Takes tools and writes JSON between marks, as Qwen does. */
const TEMPLATE = "{# <tool_call>\\n{ </tool_call> #}{% if tools %}{% endif %}<|begin|>";
const SPECIAL = ["<|begin|>", "<think>", "</think>"];
const MARKS = ["<tool_call>", "</tool_call>"];

const feed = {
  name: "feed",
  parameters: {
    type: "object",
    properties: { grams: { type: "integer", minimum: 1, maximum: 99 } },
    required: ["grams"],
    additionalProperties: false,
  },
};

async function answer(model: Partial<UniformModel>, options: GenerateOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), "abstractllm-held-"));
  const whole = { chatTemplate: TEMPLATE, specialTokens: SPECIAL, addedTokens: MARKS, ...model };
  await writeUniformModel(folder, whole);
  await using llm = await createLLM("mlx", {
    model: folder,
    temperature: 1,
    topP: 1,
    device: "cpu",
    quantize: false,
  });
  const stream = llm.stream("Go", {
    tools: [feed],
    maxSteps: 1,
    seed: 1,
    logitBias: { [END]: 12 },
    ...options,
  });
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  const response = await stream.response;
  await rm(folder, { recursive: true });
  return { ...response, parts };
}

const GRAMS = { grams: expect.any(Number) };

describe.skipIf(grammarProblem !== undefined)(`an answer with calls${grammarProblem ?? ""}`, () => {
  test("says what it likes before the call, which comes as parts of its own", async () => {
    const chain = ["<|begin|>", "I ", "feed ", "it <", ".\n", "<tool_call>"];
    const { text, toolCalls, finishReason, parts } = await answer({ chain });
    expect({ text, toolCalls, finishReason }).toMatchObject({
      text: "I feed it <.",
      toolCalls: [{ name: "feed", arguments: GRAMS }],
      finishReason: "tool-calls",
    });
    expect([...new Set(parts.map(({ type }) => type))]).toEqual([
      "prompt-usage",
      "text-delta",
      "tool-input-start",
      "tool-input-delta",
      "tool-call",
      "finish",
    ]);
  });

  test("reasons first, where marks open nothing", async () => {
    const chain = ["<|begin|>", "<think>", "<tool_", "call>", "eat", "</think>", "\n\n", "<tool_call>"];
    const { reasoning, toolCalls } = await answer({ chain });
    expect({ reasoning, toolCalls }).toMatchObject({
      reasoning: "<tool_call>eat",
      toolCalls: [{ name: "feed", arguments: GRAMS }],
    });
  });

  test("reasons first where its prompt opened that", async () => {
    const chain = ["<think>", "<tool_", "call>", "eat", "</think>", "<tool_call>"];
    const { reasoning, toolCalls } = await answer({ chain, chatTemplate: `${TEMPLATE}<think>` });
    expect({ reasoning, calls: toolCalls.length }).toEqual({ reasoning: "<tool_call>eat", calls: 1 });
  });

  test("has several calls, each held, with text between them", async () => {
    const chain = ["<|begin|>", "<tool_call>"];
    const logitBias = { [END]: 8, [SPECIAL.length + 2]: 10 }; // <tool_call>
    const answers = [];
    for (let seed = 0; seed < 4; seed++) answers.push(await answer({ chain }, { logitBias, seed }));
    const calls = answers.flatMap(({ toolCalls }) => toolCalls);
    expect(calls.length).toBeGreaterThan(answers.length);
    for (const call of calls) expect(call).toMatchObject({ name: "feed", arguments: GRAMS });
  });

  test("opens no call where its words only look like one", async () => {
    const chain = ["<|begin|>", "<tool", "_box", "> is", " here", "<|end|>"];
    const { text, toolCalls, warnings } = await answer({ chain });
    expect({ text, toolCalls, warnings }).toEqual({
      text: "<tool_box> is here",
      toolCalls: [],
      warnings: [],
    });
  });

  test("ends with a stop sequence in a call as elsewhere", async () => {
    const chain = ["<|begin|>", "<tool_call>"];
    const { finishReason, rawFinishReason, toolCalls } = await answer({ chain }, { stop: ['"grams"'] });
    expect({ finishReason, rawFinishReason, toolCalls }).toEqual({
      finishReason: "stop",
      rawFinishReason: "stop-sequence",
      toolCalls: [],
    });
  });

  test.each([
    ["JSON", TEMPLATE, ['{"', '"}}']],
    [
      "elements",
      "{# <tool_call>\\n<function= </tool_call> #}{% if tools %}{% endif %}<|begin|>",
      ["\n</parameter>"],
    ],
  ])(
    "calls a tool by its name with any arguments where those are not to be held: %s",
    async (_, chatTemplate, likely) => {
      const chain = ["<|begin|>", "<tool_call>", "\n", ...likely];
      const tools = [{ ...feed, strict: false }];
      const answers = [];
      for (let seed = 0; seed < 6; seed++)
        answers.push(await answer({ chain, chatTemplate }, { tools, seed }));
      const calls = answers.flatMap(({ toolCalls }) => toolCalls);
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.every(({ name }) => name === "feed")).toBe(true);
      expect(calls.some(({ arguments: { grams } }) => typeof grams !== "number")).toBe(true);
    },
  );

  test("is free where the dialect has no form for a schema, and a warning says for what", async () => {
    const tool = {
      name: "f",
      parameters: { type: "object", properties: { when: { type: "string", format: "date" } } },
    };
    const chatTemplate = "{# <tool_call>\\n<function= </tool_call> #}{% if tools %}{% endif %}<|begin|>";
    const chain = ["<|begin|>", "No.", "<|end|>"];
    const { text, warnings } = await answer({ chain, chatTemplate }, { tools: [tool] });
    expect(text).toBe("No.");
    expect(warnings).toEqual([expect.stringMatching(/tool "f" cannot be held.*"format" of "when"/)]);
    const loose = await answer({ chain, chatTemplate }, { tools: [{ ...tool, strict: false }] });
    expect(loose.warnings).toEqual([]);
  });

  test("is free where a schema is too large to be written out", async () => {
    let schema: object = { type: "integer" };
    for (let i = 0; i < 6; i++) schema = { type: "array", items: schema, maxItems: 16 };
    const tools = [{ name: "f", parameters: { type: "object", properties: { list: schema } } }];
    const chatTemplate = "{# <|tool_call> <tool_call|> #}{% if tools %}{% endif %}<|begin|>";
    const { text, warnings } = await answer(
      { chain: ["<|begin|>", "No.", "<|end|>"], chatTemplate },
      { tools },
    );
    expect({ text, warnings }).toEqual({
      text: "No.",
      warnings: [expect.stringMatching(/more than 100000 parts/)],
    });
  });

  test("is free where a schema holds itself and the dialect writes it out", async () => {
    const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } } };
    const tool = {
      name: "f",
      parameters: { type: "object", properties: { list: { $ref: "#/$defs/node" } }, $defs: { node } },
    };
    const chatTemplate = "{# <|tool_call> <tool_call|> #}{% if tools %}{% endif %}<|begin|>";
    const chain = ["<|begin|>", "No.", "<|end|>"];
    const { text, warnings } = await answer({ chain, chatTemplate }, { tools: [tool] });
    expect({ text, warnings }).toEqual({
      text: "No.",
      warnings: [expect.stringMatching(/values within each other/)],
    });
  });

  test("is free where the engine refuses a schema, and a warning has its reason", async () => {
    const parameters = { type: "object", properties: { a: { type: "array", uniqueItems: true } } };
    const { text, warnings } = await answer(
      { chain: ["<|begin|>", "No.", "<|end|>"] },
      { tools: [{ name: "f", parameters }] },
    );
    expect({ text, warnings }).toEqual({
      text: "No.",
      warnings: [expect.stringMatching(/uniqueItems.*only asked for/)],
    });
  });
});
