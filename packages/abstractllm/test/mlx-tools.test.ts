import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, createLLM, type GenerateOptions, type StreamPart, tool } from "../src/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";
import { writeScriptedModel } from "./support/scripted-model.ts";

const add = tool({
  name: "add",
  description: "Adds two numbers",
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  execute: ({ a, b }) => a + b,
});

async function partsOf(stream: AsyncIterable<StreamPart>): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

/** Takes tools, reasons unless told not to, and answers tool messages. */
const TEMPLATE =
  "{% for m in messages %}{{ m.content }}{% for tool_call in m.tool_calls or [] %}<tool_call>{{ tool_call.name }}</tool_call>{% endfor %}{% endfor %}" +
  "{% if messages[-1].role == 'tool' %}<|after|>{% elif tools %}<|begin|>{% if enable_thinking %}<think>{% endif %}{% else %}<|plain|>{% endif %}";

describe("an mlx model whose template takes tools", () => {
  let folder = "";
  let llm: AbstractLLM;

  beforeAll(async () => {
    process.env.ABSTRACTLLM_MLX_GRAMMAR = "off"; // its few tokens fit few grammars; this is how it goes without one
    folder = await mkdtemp(join(tmpdir(), "abstractllm-tools-"));
    await writeScriptedModel(folder, {
      chatTemplate: TEMPLATE,
      chains: [
        ["<|begin|>", "<tool_call>", '{"name": "add", ', '"arguments": {"a": 1, "b": 2}}', "</tool_call>"],
        ["<think>", "\nOne ", "and two.", "</think>", "\n\nI ", "add.\n"],
        ["<|after|>", "It ", "is 3."],
        ["<|plain|>", '{"name": ', '"Ada"}'],
      ],
      specialTokens: ["<think>", "</think>", "<tool_call>", "</tool_call>"],
    });
    llm = await createLLM("mlx", { model: folder, temperature: 0, device: "cpu", quantize: false });
  });
  afterAll(async () => {
    delete process.env.ABSTRACTLLM_MLX_GRAMMAR;
    await llm.unload();
    await rm(folder, { recursive: true });
  });

  test("gets them there, and its calls are run", async () => {
    const stream = llm.stream("1 + 2?", { tools: [add], reasoning: false });
    const types = (await partsOf(stream)).map(({ type }) => type);
    const response = await stream.response;
    expect(types.filter((type) => type !== "text-delta")).toEqual([
      "prompt-usage",
      "tool-input-start",
      "tool-input-delta",
      "tool-call",
      "tool-result",
      "step-finish",
      "prompt-usage",
      "finish",
    ]);
    expect(response).toMatchObject({ text: "It is 3.", finishReason: "stop", toolCalls: [] });
    expect(response.messages).toMatchObject([
      { role: "assistant", content: "", toolCalls: [{ name: "add", arguments: { a: 1, b: 2 } }] },
      { role: "tool", name: "add", content: "3" },
      { role: "assistant", content: "It is 3." },
    ]);
    expect(response.usage.reasoningTokens).toBe(0);
  });

  test("shows the reasoning that its prompt opened, apart from the answer", async () => {
    const stream = llm.stream("1 + 2?", { tools: [add] });
    const parts = await partsOf(stream);
    const response = await stream.response;
    expect(response).toMatchObject({ reasoning: "One and two.", text: "I add.\n", toolCalls: [] });
    expect(response.usage.reasoningTokens).toBe(2);
    expect(response.messages).toEqual([
      { role: "assistant", content: "I add.\n", reasoning: "One and two." },
    ]);
    expect(parts.slice(1, 3)).toEqual([
      { type: "reasoning-delta", text: "One" },
      { type: "reasoning-delta", text: " and two." },
    ]);
  });

  test("is made to answer when its reasoning has used up its tokens", async () => {
    const stream = llm.stream("1 + 2?", { tools: [add], reasoning: { maxTokens: 1 } });
    const parts = await partsOf(stream);
    const response = await stream.response;
    expect(response).toMatchObject({ reasoning: "One", text: "I add.\n", finishReason: "stop" });
    expect(response.usage).toMatchObject({ reasoningTokens: 1, outputTokens: 5 });
    expect(parts.slice(1, 3)).toEqual([
      { type: "reasoning-delta", text: "One" },
      { type: "text-delta", text: "I" },
    ]);
    const unlimited = await llm.generate("1 + 2?", { tools: [add] });
    const enough = await llm.generate("1 + 2?", { tools: [add], reasoning: { maxTokens: 2 } });
    expect(enough.reasoning).toBe(unlimited.reasoning);
  });

  test("does not reason with no tokens for it", async () => {
    const { reasoning, text, usage } = await llm.generate("1 + 2?", {
      reasoning: { maxTokens: 0 },
      templateVariables: { enable_thinking: true },
      tools: [add],
    });
    expect([reasoning, text, usage.reasoningTokens]).toEqual([undefined, "I add.\n", 0]);
  });

  test("gets one of them, or none, as the choice says", async () => {
    const ask = (toolChoice: "none" | { name: string }) =>
      llm.generate("1 + 2?", { tools: [{ name: "other" }, add], toolChoice, reasoning: false, maxSteps: 1 });
    expect((await ask("none")).text).toBe('{"name": "Ada"}');
    const { toolCalls, usage } = await ask({ name: "add" });
    expect(toolCalls).toMatchObject([{ name: "add", arguments: { a: 1, b: 2 } }]);
    expect(usage.outputTokens).toBe(5);
  });

  test("says when it called none although it had to", async () => {
    const { warnings } = await llm.generate("1 + 2?", { tools: [add], toolChoice: "required" });
    expect(warnings).toContain("The model called no tool although toolChoice asked it to");
  });

  test("counts tokens with its tools", async () => {
    const { usage } = await llm.generate("x", { tools: [add], reasoning: false, maxSteps: 1 });
    expect(await llm.countTokens("x", { tools: [add], reasoning: false })).toBe(usage.inputTokens);
    expect(await llm.countTokens("x", { tools: [add] })).toBe(usage.inputTokens + 1); // the mark of reasoning
  });

  test("answers with a value of a schema", async () => {
    const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] } as const;
    const { object, warnings } = await llm.generate("Who?", { schema });
    expect(object).toEqual({ name: "Ada" });
    expect(warnings).toContainEqual(expect.stringMatching(/not held to.*Install Rust/));
    expect((await llm.generate("Who?", { schema })).warnings).toEqual([]);
  });

  test("cannot be held to a schema by a text that is sent as it is, and says why", async () => {
    const asked = llm.generate("Who?", { schema: { type: "object" }, chatTemplate: false });
    await expect(asked).rejects.toMatchObject({
      feature: "structured_output",
      message: expect.stringMatching(/can only be held to.*Install Rust/),
    });
  });

  test("cannot reason by degrees that its template does not know", async () => {
    await expect(llm.generate("x", { reasoning: "high" })).rejects.toMatchObject({ feature: "reasoning" });
  });
});

describe("an mlx model whose template takes no tools", () => {
  let llm: AbstractLLM;
  beforeAll(async () => {
    llm = await createLLM("mlx", { model: SETUP_MODEL, temperature: 0, offline: true });
  });
  afterAll(() => llm.unload());

  test("is told of them in its prompt", async () => {
    const plain = await llm.countTokens("1 + 2?");
    expect(await llm.countTokens("1 + 2?", { tools: [add] })).toBeGreaterThan(plain + 50);
    expect(await llm.countTokens("1 + 2?", { tools: [add], toolChoice: "none" })).toBe(plain);
    const loose = [{ ...add, strict: false }]; // which is not the model's concern
    expect(await llm.countTokens("1 + 2?", { tools: loose })).toBe(
      await llm.countTokens("1 + 2?", { tools: [add] }),
    );
    const { text, usage } = await llm.generate("1 + 2?", { tools: [add], maxTokens: 4, maxSteps: 1 });
    expect(text).not.toBe("");
    expect(usage.inputTokens).toBe(await llm.countTokens("1 + 2?", { tools: [add] }));
  });

  test("takes a conversation with calls and results", async () => {
    const messages = [
      { role: "user", content: "1 + 2?" },
      { role: "assistant", content: "", toolCalls: [{ id: "1", name: "add", arguments: { a: 1, b: 2 } }] },
      { role: "tool", toolCallId: "1", name: "add", content: "3" },
    ] as const;
    expect((await llm.generate(messages, { tools: [add], maxTokens: 2 })).text).not.toBe("");
  });

  test.each([
    ["tools", { tools: [add] }],
    ["maxSchemaRetries", { schema: { type: "object" }, maxSchemaRetries: 1 }],
    ["reasoning", { reasoning: false }],
  ])("has no place for %s in a text that is sent as it is", async (name, options) => {
    const { response } = llm.stream("x", { ...(options as GenerateOptions), chatTemplate: false });
    await expect(response).rejects.toThrow(`so ${name} has no place`);
  });

  test("does not reason, and says so", async () => {
    await expect(llm.generate("x", { reasoning: true })).rejects.toMatchObject({ feature: "reasoning" });
    const response = await llm.generate("x", { reasoning: false, maxTokens: 1 });
    expect(response.reasoning).toBeUndefined();
  });
});
