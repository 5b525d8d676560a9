import { expect, test } from "vitest";
import type { DeltaPart } from "../interface/stream-part.ts";
import { createAnswerReader, type ReaderOptions } from "./answer-reader.ts";

const tool = { name: "f", description: "", parameters: { type: "object", properties: {} } };
const reasoning = { start: "<think>", end: "</think>" };

/** Reads tokens one by one; the texts of the tokens beside each text. */
function read(tokens: readonly string[], options: Partial<ReaderOptions>) {
  const beside: string[] = [];
  const emit = (part: DeltaPart) => {
    if (part.type === "text-delta") beside.push((part.logprobs ?? []).map(({ token }) => token).join("|"));
  };
  const reader = createAnswerReader({ tools: [], usedIds: new Set(), emit, ...options });
  for (const token of tokens) reader.push(token, [{ token, logprob: -1, topLogprobs: [] }]);
  reader.end(false);
  const own = reader.logprobs.map(({ token }) => token);
  expect(beside.join("|")).toBe(own.join("|"));
  return { text: reader.text, own };
}

test("log probabilities are those of the text, not of reasoning and marks", () => {
  const { text, own } = read(["<think>", "Hm", " so", "</think>", "\n\n", "t", "h", "ink"], { reasoning });
  expect(text).toBe("think");
  expect(own).toEqual(["t", "h", "ink"]);
});

test("those of a call are left out, and those of a call that is none are the text's", () => {
  const options = { dialect: "json_tools", tools: [tool] };
  const call = ["Well", ".", "<tool_call>", '{"name": "f", ', '"arguments": {}}', "</tool_call>"];
  expect(read(call, options).own).toEqual(["Well", "."]);
  const none = ["A", "<tool_call>", "no", "</tool_call>", "B"];
  expect(read(none, options)).toEqual({ text: none.join(""), own: none });
});

test("those of a call that is sent while it is written are left out too", () => {
  const options = { dialect: "json_tools", tools: [tool], areCallsHeld: true };
  const call = ["Well", "<tool_call>", '{"name": "f", ', '"arguments": {', "}}", "</tool_call>"];
  expect(read([...call, "So", "."], options).own).toEqual(["Well", "So", "."]);
  const mistral = ["[TOOL_CALLS]", "f", "[ARGS]", "{", "}"];
  expect(read(mistral, { ...options, dialect: "mistral" }).own).toEqual([]);
});

test("harmony's headers and channels are passed over", () => {
  const tokens = ["<|channel|>", "analysis", "<|message|>", "Hm", "<|end|>"];
  const final = ["<|start|>", "assistant", "<|channel|>", "final", "<|message|>", "Yes", "!"];
  expect(read([...tokens, ...final], { dialect: "harmony" })).toEqual({ text: "Yes!", own: ["Yes", "!"] });
});
