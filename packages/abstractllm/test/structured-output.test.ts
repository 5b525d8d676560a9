import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createLLM, generateObject, type StreamPart, tool } from "../src/index.ts";
import { ScriptedProvider } from "./support/scripted-provider.ts";

const Person = z.object({ name: z.string(), age: z.int(), tags: z.array(z.string()).default([]) });

const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
} as const;

const ADA = '{"name": "Ada", "age": 36}';

async function partsOf(stream: AsyncIterable<StreamPart>): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe("a call with a schema", () => {
  test("of zod gives a value as zod gives it, typed", async () => {
    const llm = new ScriptedProvider([{ text: ADA }]);
    const response = await llm.generate("Who?", { schema: Person });
    expectTypeOf(response.object).toEqualTypeOf<{ name: string; age: number; tags: string[] }>();
    expect(response.object).toEqual({ name: "Ada", age: 36, tags: [] });
    expect(response.text).toBe(ADA);
    expect(llm.calls[0]?.schema).toMatchObject({ type: "object", required: ["name", "age"] });
    expect(llm.calls[0]?.messages).toEqual([{ role: "user", content: "Who?" }]);
  });

  test("of JSON Schema gives a value of its type", async () => {
    const llm = new ScriptedProvider([{ text: ADA }]);
    const { object } = await generateObject(llm, "Who?", PERSON);
    expectTypeOf(object).toEqualTypeOf<{ name: string; age: number }>();
    expect(object).toEqual({ name: "Ada", age: 36 });
  });

  test("leaves the schema as it was", async () => {
    const schema = structuredClone(PERSON);
    await generateObject(new ScriptedProvider([{ text: ADA }]), "Who?", schema);
    expect(schema).toEqual(PERSON);
  });

  test.each([
    ["in a fence", `Sure:\n\`\`\`json\n${ADA}\n\`\`\`\nBye.`],
    ["in prose", `The answer is ${ADA}.`],
  ])("finds JSON %s", async (_, text) => {
    const { object } = await generateObject(new ScriptedProvider([{ text }]), "Who?", Person);
    expect(object.name).toBe("Ada");
  });

  test("tells a model that its provider cannot hold to it", async () => {
    const llm = new ScriptedProvider([{ text: ADA }], "prompted");
    await generateObject(llm, "Who?", PERSON, { systemPrompt: "Be brief." });
    expect(llm.calls[0]?.messages[0]?.content).toBe(
      `Be brief.\n\nAnswer with one JSON value and nothing else: no explanation, no code fence. It must fit this JSON Schema:\n${JSON.stringify(PERSON)}`,
    );
  });

  test("shows the value as it grows", async () => {
    const llm = new ScriptedProvider([{ text: ADA }]);
    const stream = llm.stream("Who?", { schema: PERSON });
    const parts = await partsOf(stream);
    const objects = parts.flatMap((part) => (part.type === "object-delta" ? [part.object] : []));
    expect(objects).toEqual([{}, { name: "Ad" }, { name: "Ada" }, { name: "Ada", age: 36 }]);
    const { object } = await stream.response;
    expectTypeOf(object).toEqualTypeOf<{ name: string; age: number }>();
    expect(object).toEqual(objects.at(-1));
  });

  test("comes with tools", async () => {
    const toolCall = { id: "1", name: "look_up", arguments: {} };
    const llm = new ScriptedProvider([{ toolCalls: [toolCall] }, { text: ADA }]);
    const lookUp = tool({ name: "look_up", parameters: { type: "object" }, execute: () => "Ada is 36" });
    const response = await llm.generate("Who?", { schema: PERSON, tools: [lookUp] });
    expectTypeOf(response.object).toEqualTypeOf<{ name: string; age: number } | undefined>();
    expect(response.object).toEqual({ name: "Ada", age: 36 });
    expect(response.messages).toHaveLength(3);
  });

  test("has no value yet while calls wait", async () => {
    const toolCall = { id: "1", name: "look_up", arguments: {} };
    const llm = new ScriptedProvider([{ toolCalls: [toolCall] }]);
    const response = await llm.generate("Who?", { schema: PERSON, tools: [{ name: "look_up" }] });
    expect(response).toMatchObject({ finishReason: "tool-calls", toolCalls: [toolCall] });
    expect(response.object).toBeUndefined();
  });
});

describe("an answer that does not fit", () => {
  test("goes back with what is wrong, and counts", async () => {
    const llm = new ScriptedProvider([{ text: '{"name": "Ada"}' }, { text: "36!" }, { text: ADA }]);
    const stream = llm.stream("Who?", { schema: PERSON });
    const parts = await partsOf(stream);
    const response = await stream.response;
    expect(response.object).toEqual({ name: "Ada", age: 36 });
    expect(response.usage.outputTokens).toBe(15);
    expect(response.messages).toEqual([{ role: "assistant", content: ADA }]);
    expect(llm.calls[1]?.messages.slice(1)).toEqual([
      { role: "assistant", content: '{"name": "Ada"}' },
      { role: "user", content: expect.stringMatching(/does not fit.*"age"/) },
    ]);
    expect(llm.calls[2]?.messages.at(-1)?.content).toContain("is not JSON");
    expect(parts.filter(({ type }) => type === "step-finish")).toHaveLength(2);
  });

  test("is an error after maxSchemaRetries more answers", async () => {
    const answers = Array.from({ length: 9 }, () => ({ text: '{"secret": 1}' }));
    for (const [maxSchemaRetries, count] of [
      [undefined, 3],
      [0, 1],
      [4, 5],
    ] as const) {
      const llm = new ScriptedProvider(answers);
      const error = await generateObject(llm, "Who?", PERSON, { maxSchemaRetries }).catch((e) => e);
      expect(error).toMatchObject({ name: "GenerationError", provider: "scripted" });
      expect(error.details.issues.join()).toContain("name");
      expect(llm.calls).toHaveLength(count);
    }
  });

  test("because it was cut off is an error at once", async () => {
    const llm = new ScriptedProvider([{ text: '{"name": "A', finishReason: "length" }]);
    const error = await generateObject(llm, "Who?", PERSON).catch((e) => e);
    expect(error.message).toContain("raise maxTokens");
    expect(error.details).toMatchObject({ finishReason: "length", usage: { outputTokens: 5 } });
  });
});

describe("a schema is refused", () => {
  test.each([
    ["that is none", { schema: "person" }, "Expected JSON Schema or Standard Schema for schema"],
    ["whose library gives no JSON Schema", { schema: z.object({ at: z.date() }) }, "has no JSON Schema"],
    [
      "of a library that never does",
      { schema: { "~standard": { version: 1, vendor: "own", validate: () => ({ value: 1 }) } } },
      "own schema of schema does not give its JSON Schema",
    ],
    [
      "that cannot be used",
      { schema: { $ref: "#/$defs/nothing" } },
      "The JSON Schema of schema cannot be used. Expected a reference to what the schema holds",
    ],
    [
      "of a tool that cannot be used",
      { tools: [{ name: "play", parameters: { type: "object", properties: { x: { type: "sound" } } } }] },
      'The JSON Schema of the parameters of tool "play" cannot be used. Expected one of',
    ],
  ])("%s", (_, options, message) => {
    expect(() => new ScriptedProvider([]).stream("x", options as object)).toThrow(message);
  });

  test("that only its use shows to be broken", async () => {
    const llm = new ScriptedProvider([{ text: "{}" }]);
    const schema = { $id: "https://example.org/", $ref: "#/$defs/nothing" };
    await expect(generateObject(llm, "x", schema)).rejects.toMatchObject({ name: "InvalidParameterError" });
  });

  test("by a provider that does not know it", async () => {
    const llm = await createLLM("mlx", { model: "/none", chatTemplate: false });
    await expect(llm.generate("x", { schema: PERSON, topK: -1 })).rejects.toThrow("topK");
  });
});
