import { expect, test } from "vitest";
import type { Prompt } from "../interface/message.ts";
import { toMessages } from "./to-messages.ts";

const none = { text: undefined, fromCall: false };
const fromConfig = { text: "Be brief.", fromCall: false };
const fromCall = { text: "Be brief.", fromCall: true };
const system = { role: "system", content: "Own." } as const;
const user = { role: "user", content: "Hi" } as const;

test("makes a text one user message", () => {
  expect(toMessages("Hi", none, "mlx")).toEqual([user]);
  expect(toMessages("Hi", fromCall, "mlx")).toEqual([{ role: "system", content: "Be brief." }, user]);
});

test("leads a conversation with the system prompt, unless it has its own", () => {
  expect(toMessages([user], fromConfig, "mlx")).toEqual([{ role: "system", content: "Be brief." }, user]);
  expect(toMessages([system, user], fromConfig, "mlx")).toEqual([system, user]);
  expect(() => toMessages([system, user], fromCall, "mlx")).toThrow("give one of them");
});

test("takes only what it knows of a message", () => {
  const given = [{ role: "user", content: "Hi", name: "Ann", secret: 1 }] as unknown as Prompt;
  expect(toMessages(given, none, "mlx")).toEqual([{ role: "user", content: "Hi", name: "Ann" }]);
});

test("takes parts, tool calls and their results", () => {
  const given: Prompt = [
    {
      role: "user",
      content: [
        { type: "text", text: "What is this?" },
        { type: "image", image: new Uint8Array([1]), detail: "low" },
        { type: "file", file: "notes.txt" },
      ],
    },
    { role: "assistant", content: "", toolCalls: [{ id: "1", name: "look", arguments: { at: 2 } }] },
    { role: "tool", content: "a cat", toolCallId: "1", name: "look" },
  ];
  expect(toMessages(given, none, "mlx")).toEqual(given);
});

test.each([
  [7, "Expected string or array of messages for prompt but received number 7"],
  [undefined, "received undefined"],
  [[], "has no messages"],
  [[{ role: "robot", content: "x" }], 'for prompt[0].role but received string "robot"'],
  [
    [user, { role: "user", content: ["x"] }],
    "Expected string or array of text, image and file parts for prompt[1].content but received object",
  ],
  [[{ role: "system", content: [] }], "Expected string for prompt[0].content but received object"],
  [[{ role: "user", content: [{ type: "image" }] }], "image and file parts for prompt[0].content"],
  [[{ role: "tool", content: "4" }], "non-empty string for prompt[0].toolCallId but received undefined"],
  [
    [{ role: "assistant", content: "", toolCalls: [{ id: "1", name: "f" }] }],
    "array of { id, name, arguments } for prompt[0].toolCalls",
  ],
  [[null], "for prompt[0].role but received undefined"],
])("refuses %j", (prompt, message) => {
  expect(() => toMessages(prompt as unknown as Prompt, none, "mlx")).toThrow(message);
});
