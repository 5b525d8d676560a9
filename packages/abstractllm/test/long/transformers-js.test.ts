import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LLMConfig } from "../../src/index.ts";
import { LocalProvider } from "../../src/providers/huggingface/local/local-provider.ts";
import type { TransformersModule } from "../../src/providers/huggingface/local/transformers-js.ts";
import { answerCases } from "../conformance/answer-cases.ts";
import { refusalCases } from "../conformance/refusal-cases.ts";
import { schemaCases } from "../conformance/schema-cases.ts";
import { toolCases } from "../conformance/tool-cases.ts";
import { writeScriptedOnnx } from "../support/scripted-onnx.ts";
import { installTransformers } from "./install-transformers.ts";

/** Knows no tools: what it is told of them is in its messages. Goes on for ever where nothing special is asked. */
const TEMPLATE =
  "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}" +
  "{% set last = messages[-1].content %}{% set all = messages[0].content %}" +
  "{% if '<tool_response>' in last %}<|after|>" +
  "{% elif 'does not fit' in last %}<|corrected|>" +
  "{% elif 'JSON Schema is' in all or 'fit this JSON Schema' in all %}<|object|>" +
  "{% elif '<tools>' not in all %}<|plain|>" +
  "{% elif 'function get_time now' in all %}<|time|>" +
  "{% elif 'get_time' in all %}<|both|>" +
  "{% else %}<|weather|>{% endif %}";

const CHAINS = [
  [
    "<|both|>",
    '<tool_call>{"name": "get_weather", ',
    '"arguments": {"city": "Zürich 🙂"}}',
    "</tool_call>",
  ].concat('<tool_call> {"name": "get_time", ', '"arguments":  {"city": "Zürich 🙂"}} </tool_call>'),
  ["<|weather|>", '<tool_call>{"name":"get_weather",', '"arguments":{"city": ', '"Zürich 🙂"}}</tool_call>'],
  ["<|time|>", '<tool_call>{"name":"get_time",', '"arguments":{"city":"Zürich 🙂"}} </tool_call>'],
  ["<|after|>", "It ", "is ", "sunny."],
  ["<|object|>", '{"name": ', '"Zürich ', '🙂", ', '"count": ', "7}"],
  ["<|corrected|>", '{"name":', '"Zürich 🙂",', '"count":', "8}"],
  ["<|plain|>", "one ", "two ", "three ", "four ", "five ", "one "],
];

let library: TransformersModule;
let folder = "";
beforeAll(async () => {
  library = await installTransformers();
  folder = await mkdtemp(join(tmpdir(), "abstractllm-onnx-"));
  await writeScriptedOnnx(folder, { chatTemplate: TEMPLATE, chains: CHAINS, specialTokens: [] });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = async (config: LLMConfig = {}) =>
  new LocalProvider({ local: true, model: folder, temperature: 0, ...config }, library);

const SUBJECT = {
  provider: "huggingface",
  open,
  templated: {},
  endless: { maxTokens: 500 },
  lacks: new Set(["seed"] as const), // see below: the model always means the same token
};

answerCases(SUBJECT);
refusalCases(SUBJECT);
toolCases({ open });
schemaCases({ open });

describe("a model that @huggingface/transformers runs", () => {
  test("follows the seed", async () => {
    const llm = await open({ temperature: 2, maxTokens: 100 });
    const sample = async (seed: number) => (await llm.generate("Hi", { seed })).text;
    const first = await sample(1);
    expect(await sample(1)).toBe(first);
    expect(await sample(2)).not.toBe(first);
    expect(await Promise.all([sample(1), sample(2), sample(1)])).toEqual([first, await sample(2), first]);
    await llm.unload();
  });

  test("stops at each phase, with the caller's reason, and answers the next call", async () => {
    const llm = await open();
    const { text } = await llm.generate("Hi", { maxTokens: 5 });
    const reason = new Error("enough");
    const before = llm.generate("Hi", { signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    const controller = new AbortController();
    const stream = llm.stream("Hi", { maxTokens: 4000, signal: controller.signal });
    let parts = 0;
    for await (const { type } of stream) if (type === "text-delta" && ++parts === 3) controller.abort(reason);
    await expect(stream.response).rejects.toBe(reason);
    expect(parts).toBeLessThan(10);
    const waiting = new AbortController();
    const [first, second] = [
      llm.generate("Hi", { maxTokens: 5 }),
      llm.generate("Hi", { maxTokens: 5, signal: waiting.signal }),
    ];
    waiting.abort(reason);
    await expect(second).rejects.toBe(reason);
    expect((await first).text).toBe(text);
    await expect(llm.generate("Hi", { maxTokens: 4000, timeout: 20 })).rejects.toMatchObject({
      name: "RequestTimeoutError",
    });
    expect((await llm.generate("Hi", { maxTokens: 5 })).text).toBe(text);
    await llm.unload();
  });

  test("is loaded again for other settings of it only", async () => {
    const progress: string[] = [];
    const llm = await open({ maxTokens: 2, onProgress: ({ file }) => progress.push(file) });
    const { text } = await llm.generate("Hi");
    const [running] = [llm.generate("Hi", { maxTokens: 500 }), llm.updateConfig({ maxTokens: 3 })];
    await llm.unload();
    expect((await running).usage.outputTokens).toBe(500);
    expect((await llm.generate("Hi")).usage.outputTokens).toBe(3);
    llm.updateConfig({ model: join(folder, "none") });
    await expect(llm.generate("Hi")).rejects.toMatchObject({ name: "ModelNotFoundError" });
    llm.updateConfig({ model: folder, maxTokens: 2 });
    expect((await llm.generate("Hi")).text).toBe(text);
    expect(() => llm.updateConfig({ device: "gpu" })).toThrow("computes on the CPU");
    await llm.unload();
  });

  test("has the length that its configuration says", async () => {
    const llm = await open({ maxTokens: 4090 });
    await expect(llm.generate("one two three four five six seven")).rejects.toMatchObject({
      name: "ContextWindowExceededError",
      contextWindow: 4096,
    });
  });

  test("names what is wrong with a model", async () => {
    const missing = await open({ model: join(folder, "none") });
    await expect(missing.load()).rejects.toMatchObject({
      name: "ModelNotFoundError",
      provider: "huggingface",
    });
    await expect(missing.generate("x")).rejects.toMatchObject({ name: "ModelNotFoundError" });
    const strange = join(folder, "strange");
    await writeScriptedOnnx(strange, { chatTemplate: TEMPLATE, chains: CHAINS, specialTokens: [] });
    await writeFile(join(strange, "config.json"), '{"model_type":"flying_teapot"}');
    await expect((await open({ model: strange })).load()).rejects.toMatchObject({
      name: "UnsupportedModelError",
      message: expect.stringContaining("flying_teapot"),
    });
  });

  test.each([
    [{ topP: 0.5 }, "topP"],
    [{ offline: true }, "offline"],
    [{ device: "gpu" }, "device"],
    [{ apiKey: "k" }, "apiKey"],
    [{ reasoning: true }, "reasoning"],
  ] as const)("refuses %j", async (config, feature) => {
    await expect(open(config)).rejects.toMatchObject({ name: "UnsupportedFeatureError", feature });
  });

  test("refuses images and embeddings, and knows which bits", async () => {
    const llm = await open();
    await expect(llm.generate("x", { images: ["a.png"] })).rejects.toMatchObject({ feature: "vision" });
    await expect(llm.embed("x")).rejects.toMatchObject({ feature: "embeddings" });
    await expect(open({ loadIn4bit: true, loadIn8bit: true })).rejects.toMatchObject({
      parameter: "loadIn8bit",
    });
  });
});
