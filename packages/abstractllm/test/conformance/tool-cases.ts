import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AbstractLLM, type StreamPart, textOf, tool } from "../../src/index.ts";
import type { ToolChoice } from "../../src/interface/tool.ts";

/** A provider under test, with a model that calls every tool it has for Zürich when it is asked to use them. */
export interface ToolSubject {
  open(): Promise<AbstractLLM>;
}

const PROMPT = "Please use the tools.";
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
const INPUT = { city: "Zürich 🙂" };

const weather = tool({
  name: "get_weather",
  description: "Tells the weather.",
  parameters: CITY,
  execute: ({ city }) => `Sunny in ${city}`,
});
const time = tool({ name: "get_time", parameters: CITY, execute: () => ({ hour: 12 }) });

/** How every provider's models call tools, and what comes of it. */
export function toolCases(subject: ToolSubject): void {
  describe("a model with tools", () => {
    let llm: AbstractLLM;
    beforeAll(async () => {
      llm = await subject.open();
    });
    afterAll(() => llm.unload());

    test("runs several that it asks for at once, and goes on with what they gave", async () => {
      const { toolCalls, messages, text, finishReason, usage } = await llm.generate(PROMPT, {
        tools: [weather, time],
      });
      expect(text).not.toBe("");
      expect([toolCalls, finishReason]).toEqual([[], "stop"]);
      expect(messages.map(({ role }) => role)).toEqual(["assistant", "tool", "tool", "assistant"]);
      expect(messages.slice(1, 3).map(textOf)).toEqual(["Sunny in Zürich 🙂", '{"hour":12}']);
      const [asked] = messages;
      const ids = asked?.role === "assistant" ? asked.toolCalls?.map(({ id }) => id) : [];
      expect(messages.flatMap((message) => (message.role === "tool" ? message.toolCallId : []))).toEqual(ids);
      expect(new Set(ids).size).toBe(2);
      expect(usage.totalTokens).toBe(usage.inputTokens + usage.outputTokens);
    });

    test("shows a call as it is written, then what the tool gave, then the answer", async () => {
      const stream = llm.stream(PROMPT, { tools: [weather] });
      const parts: StreamPart[] = [];
      for await (const part of stream) if (part.type !== "reasoning-delta") parts.push(part);
      const types = parts.map(({ type }) => type);
      const order = [...new Set(types.filter((type) => type !== "text-delta" && type !== "prompt-usage"))];
      expect(order).toEqual([
        "tool-input-start",
        "tool-input-delta",
        "tool-call",
        "tool-result",
        "step-finish",
        "finish",
      ]);
      expect(types.slice(types.indexOf("step-finish"))).toContain("text-delta");
      const input = parts.map((part) => (part.type === "tool-input-delta" ? part.text : "")).join("");
      expect(JSON.parse(input)).toEqual(INPUT);
      expect(parts).toContainEqual({
        type: "tool-call",
        toolCall: { id: expect.stringMatching(/./), name: "get_weather", arguments: INPUT },
      });
    });

    test("hands a call to the caller when the tool has no execute", async () => {
      const { execute: _, ...described } = weather;
      const { toolCalls, finishReason, messages } = await llm.generate(PROMPT, { tools: [described] });
      expect(finishReason).toBe("tool-calls");
      expect(toolCalls).toEqual([{ id: expect.stringMatching(/./), name: "get_weather", arguments: INPUT }]);
      const result = { role: "tool", toolCallId: toolCalls[0]?.id ?? "", content: "Sunny" } as const;
      const conversation = [{ role: "user", content: PROMPT } as const, ...messages, result];
      expect((await llm.generate(conversation, { tools: [described] })).finishReason).toBe("stop");
    });

    test("calls none when it may not, and the one it must", async () => {
      const choose = (toolChoice: ToolChoice) =>
        llm.generate(PROMPT, { tools: [weather, time], toolChoice, maxSteps: 1 });
      expect((await choose("none")).toolCalls).toEqual([]);
      const [one, any] = [await choose({ name: "get_time" }), await choose("required")];
      expect(one.toolCalls.map(({ name }) => name)).toEqual(["get_time"]);
      expect(any.toolCalls.length).toBeGreaterThan(0);
    });

    test.each([
      [
        "the tool fails",
        { ...weather, execute: () => Promise.reject(new Error("No station")) },
        "No station",
      ],
      [
        "its arguments are wrong",
        { ...weather, parameters: { ...CITY, properties: { city: { type: "string", maxLength: 3 } } } },
        "The arguments are wrong",
      ],
    ])("is told when %s, and answers", async (_, broken, problem) => {
      const { messages, text, finishReason } = await llm.generate(PROMPT, { tools: [broken] });
      expect(messages[1]).toMatchObject({
        role: "tool",
        isError: true,
        content: expect.stringContaining(problem),
      });
      expect([text === "", finishReason]).toEqual([false, "stop"]);
    });
  });
}
