import { expect, test } from "vitest";
import type { ProviderCall } from "../providers/provider-call.ts";
import { choiceWarnings } from "./tool-choice.ts";

const call = (toolChoice: ProviderCall["toolChoice"]) => ({ toolChoice }) as ProviderCall;
const toolCalls = [{ id: "1", name: "add", arguments: {} }];

test("a call that was asked for and did not come is said, with what to do where the answer was cut off", () => {
  const said = "The model called no tool although toolChoice asked it to";
  expect(choiceWarnings(call("required"), { toolCalls: [], finishReason: "stop" })).toEqual([said]);
  expect(choiceWarnings(call({ name: "add" }), { toolCalls: [], finishReason: "length" })).toEqual([
    `${said}: its answer was cut off; raise maxTokens`,
  ]);
  expect(choiceWarnings(call("required"), { toolCalls, finishReason: "tool-calls" })).toEqual([]);
  expect(choiceWarnings(call("auto"), { toolCalls: [], finishReason: "length" })).toEqual([]);
});
