import type { GenerateResponse, StreamPart } from "abstractllm";
import { expect, test } from "vitest";
import type { Outcome } from "./outcome.ts";
import { PartWriter } from "./part-writer.ts";

const call = (id: string, input: object = { a: 1 }) => ({ id, name: "f", arguments: { ...input } });
const usage = { inputTokens: 9, outputTokens: 5, totalTokens: 14, cachedInputTokens: 4, reasoningTokens: 2 };
const OUTCOME: Outcome = {
  ...({ text: "", reasoning: "", toolCalls: [], usage, warnings: [] } satisfies Partial<GenerateResponse>),
  ...{ finishReason: "stop", rawFinishReason: "eos", model: "m" },
};

/** The parts that come of an answer, the last two left out. */
function written(
  parts: readonly StreamPart[],
  outcome: Partial<Outcome> = {},
  gate = (text: string) => text,
) {
  const writer = new PartWriter({ push: gate });
  const all = [...parts.flatMap((part) => writer.read(part)), ...writer.finish({ ...OUTCOME, ...outcome })];
  return { parts: all.slice(0, -2), end: all.slice(-2) };
}

test("texts and reasoning are blocks of their own, that end before the next begins", () => {
  const { parts } = written([
    { type: "reasoning-delta", text: "Hm" },
    { type: "reasoning-delta", text: "." },
    { type: "text-delta", text: "Yes" },
    { type: "reasoning-delta", text: "Or" },
  ]);
  expect(parts).toEqual([
    { type: "reasoning-start", id: "0" },
    { type: "reasoning-delta", id: "0", delta: "Hm" },
    { type: "reasoning-delta", id: "0", delta: "." },
    { type: "reasoning-end", id: "0" },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "Yes" },
    { type: "text-end", id: "1" },
    { type: "reasoning-start", id: "2" },
    { type: "reasoning-delta", id: "2", delta: "Or" },
    { type: "reasoning-end", id: "2" },
  ]);
});

test("calls that are written at the same time each have their own start, arguments and end", () => {
  const { parts } = written([
    { type: "text-delta", text: "So" },
    { type: "tool-input-start", id: "a", name: "f" },
    { type: "tool-input-start", id: "b", name: "f" },
    { type: "tool-input-delta", id: "b", text: "{}" },
    { type: "tool-input-delta", id: "a", text: '{"a":1}' },
    { type: "tool-call", toolCall: call("b", {}) },
    { type: "tool-call", toolCall: call("a") },
  ]);
  expect(parts.slice(2)).toEqual([
    { type: "text-end", id: "0" },
    { type: "tool-input-start", id: "a", toolName: "f" },
    { type: "tool-input-start", id: "b", toolName: "f" },
    { type: "tool-input-delta", id: "b", delta: "{}" },
    { type: "tool-input-delta", id: "a", delta: '{"a":1}' },
    { type: "tool-input-end", id: "b" },
    { type: "tool-call", toolCallId: "b", toolName: "f", input: "{}" },
    { type: "tool-input-end", id: "a" },
    { type: "tool-call", toolCallId: "a", toolName: "f", input: '{"a":1}' },
  ]);
});

test("a call of which only the end is told is whole, and arguments that are no JSON stay what they are", () => {
  const broken = { ...call("a", {}), invalidArguments: '{"a":' };
  expect(written([{ type: "tool-call", toolCall: broken }]).parts).toEqual([
    { type: "tool-call", toolCallId: "a", toolName: "f", input: '{"a":' },
  ]);
});

test("a text that was held back comes at the end, once", () => {
  const { parts } = written([{ type: "text-delta", text: "```" }], { text: "{}" }, () => "");
  expect(parts).toEqual([
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: "{}" },
    { type: "text-end", id: "0" },
  ]);
  const sent = written([{ type: "text-delta", text: "{ }" }], { text: "{}" }).parts;
  expect(sent.filter(({ type }) => type === "text-delta")).toHaveLength(1);
});

test("what the model needs to see again is kept with a block of reasoning", () => {
  const providerData = { "anthropic/m": [{ signature: "s" }] };
  expect(written([], { providerData }).parts).toEqual([
    { type: "reasoning-start", id: "0" },
    { type: "reasoning-end", id: "0", providerMetadata: { abstractllm: { providerData } } },
  ]);
});

test("the end has the model that answered, usage by kinds, both finish reasons and warnings", () => {
  const { end } = written([], { warnings: ["cold"] });
  expect(end).toEqual([
    { type: "response-metadata", modelId: "m" },
    {
      type: "finish",
      usage: {
        inputTokens: { total: 9, noCache: 5, cacheRead: 4, cacheWrite: undefined },
        outputTokens: { total: 5, text: 3, reasoning: 2 },
        raw: usage,
      },
      finishReason: { unified: "stop", raw: "eos" },
      providerMetadata: { abstractllm: { warnings: ["cold"] } },
    },
  ]);
});
