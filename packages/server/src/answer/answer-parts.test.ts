import type { StreamPart, ToolCall } from "abstractllm";
import { expect, test } from "vitest";
import type { Answer } from "./answer.ts";
import { type AnswerPart, AnswerParts } from "./answer-parts.ts";

const call = (id: string, input: Record<string, unknown> = { a: 1 }): ToolCall => {
  return { id, name: `f_${id}`, arguments: input };
};
const started = ({ id, name }: ToolCall): StreamPart => ({ type: "tool-input-start", id, name });
const delta = ({ id }: ToolCall, text: string): StreamPart => ({ type: "tool-input-delta", id, text });
const ended = (toolCall: ToolCall): StreamPart => ({ type: "tool-call", toolCall });
const text = (said: string): StreamPart => ({ type: "text-delta", text: said });

/** What a call's parts are when they are written one after the other. */
const written = (toolCall: ToolCall, ...pieces: string[]): AnswerPart[] => [
  { type: "tool-start", id: toolCall.id, name: toolCall.name },
  ...pieces.map((piece): AnswerPart => ({ type: "tool-input", text: piece })),
  { type: "tool-end", toolCall },
];

function read(parts: readonly StreamPart[], options: { isSingleCall?: boolean; schema?: object } = {}) {
  const { isSingleCall = false, schema } = options;
  const order = new AnswerParts({ isSingleCall, options: schema === undefined ? {} : { schema: {} } });
  return { order, sent: parts.flatMap((part) => order.read(part)) };
}

const answer: Answer = {
  text: '{"a":1}',
  logprobs: undefined,
  promptLogprobs: undefined,
  reasoning: "Hm.",
  toolCalls: [],
  finishReason: "stop",
  usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2, cachedInputTokens: 0, reasoningTokens: 0 },
  timings: undefined,
  warnings: [],
  providerData: undefined,
};

const [a, b] = [call("a"), call("b")];

test("calls that are written at the same time come one after the other, with nothing lost", () => {
  const parts = [started(a), started(b), delta(b, '{"a":'), delta(a, '{"a":1}'), text("?"), delta(b, "1}")];
  const { sent } = read([...parts, ended(b), ended(a)]);
  expect(sent).toEqual([...written(a, '{"a":1}'), { type: "text", text: "?" }, ...written(b, '{"a":1}')]);
});

test("a call of which only the end is told is written whole", () => {
  expect(read([text("x"), ended(a)]).sent).toEqual([{ type: "text", text: "x" }, ...written(a, '{"a":1}')]);
});

test("a call whose arguments were never written has its empty ones", () => {
  const empty = call("a", {});
  expect(read([started(empty), ended(empty)]).sent).toEqual(written(empty, "{}"));
});

test("arguments that are no JSON go out as they are", () => {
  const broken = { ...a, arguments: {}, invalidArguments: '{"a":' };
  expect(read([ended(broken)]).sent).toEqual(written(broken, '{"a":'));
});

test("of several calls, one that wants one gets the first", () => {
  const parts = [started(a), delta(a, '{"a":1}'), ended(a), started(b), delta(b, "{}"), ended(b)];
  expect(read(parts, { isSingleCall: true }).sent).toEqual(written(a, '{"a":1}'));
  expect(read([ended(a), ended(b)], { isSingleCall: true }).sent).toEqual(written(a, '{"a":1}'));
});

test("an answer that can be nothing but a value of its schema is sent as it is written", () => {
  const parts: StreamPart[] = [
    { type: "object-start" },
    { type: "reasoning-delta", text: "Hm." },
    text('{"a":'),
    text("1}"),
  ];
  const { order, sent } = read(parts, { schema: {} });
  expect(sent.map((part) => "text" in part && part.text)).toEqual(["Hm.", '{"a":', "1}"]);
  expect(order.finish(answer)).toEqual([]);
});

test("an answer to a schema waits until it is checked", () => {
  const { order, sent } = read([text('{"a":'), text("2}"), { type: "reasoning-delta", text: "No." }], {
    schema: {},
  });
  expect(sent).toEqual([]);
  expect(order.finish(answer)).toEqual([
    { type: "reasoning", text: "Hm." },
    { type: "text", text: '{"a":1}' },
  ]);
});
