import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "../interface/message.ts";
import { truncatable } from "./truncate.ts";
import { pendingToolCalls, turnsOf } from "./turns.ts";

/** A user's message, any number of answers with tool calls and their results, an answer. */
const turn = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });

const conversation = fc.array(turn, { minLength: 1, maxLength: 6 }).map((turns) => {
  let id = 0;
  return turns.flatMap((steps): Message[] => [
    { role: "user", content: "u" },
    ...steps.flatMap((count): Message[] => {
      const toolCalls = Array.from({ length: count }, () => ({ id: `${id++}`, name: "t", arguments: {} }));
      const results = toolCalls.map((call): Message => ({ role: "tool", toolCallId: call.id, content: "r" }));
      return [{ role: "assistant", content: "", toolCalls }, ...results];
    }),
    { role: "assistant", content: "a" },
  ]);
});

test("turns are the conversation in pieces", () => {
  fc.assert(
    fc.property(conversation, (messages) => {
      expect(turnsOf(messages).flat()).toEqual(messages);
    }),
  );
});

test("no way to shorten a conversation parts a tool call from its result", () => {
  const strategies = fc.constantFrom("rollingWindow" as const, "truncateMiddle" as const);
  fc.assert(
    fc.property(conversation, strategies, (messages, strategy) => {
      const { most, without } = truncatable(messages, strategy);
      for (let count = 0; count <= most; count++) {
        const left = without(count);
        expect(pendingToolCalls(left)).toEqual([]);
        const asked = left.flatMap((m) =>
          m.role === "assistant" ? (m.toolCalls ?? []).map((c) => c.id) : [],
        );
        const answered = left.flatMap((m) => (m.role === "tool" ? [m.toolCallId] : []));
        expect(answered).toEqual(asked);
        expect(left.at(-1)).toBe(messages.at(-1));
        expect(left[0]?.role).toBe("user");
      }
    }),
  );
});

test("a user's message between a call and its result begins no turn", () => {
  const call = { id: "c", name: "t", arguments: {} };
  const messages: Message[] = [
    { role: "user", content: "1" },
    { role: "assistant", content: "", toolCalls: [call] },
    { role: "user", content: "2" },
    { role: "tool", toolCallId: "c", content: "r" },
    { role: "user", content: "3" },
  ];
  expect(turnsOf(messages).map(({ length }) => length)).toEqual([4, 1]);
});
