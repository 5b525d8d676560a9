import { type Message, MessageRole } from "../interface/message.ts";

/** The ids of the tool calls in a conversation. */
export function usedCallIds(messages: readonly Message[]): Set<string> {
  const calls = messages.flatMap((message) =>
    message.role === MessageRole.ASSISTANT ? (message.toolCalls ?? []) : [],
  );
  return new Set(calls.map(({ id }) => id));
}
