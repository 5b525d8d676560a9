import { type Message, MessageRole } from "../interface/message.ts";
import type { ToolCall } from "../interface/tool-call.ts";

/**
 * A conversation in pieces that can be left out: each begins with a user's message and ends before the next one. Tool
 * calls and their results are always in the same piece.
 */
export function turnsOf(messages: readonly Message[]): Message[][] {
  const turns: Message[][] = [];
  const open = new Set<string>();
  for (const message of messages) {
    const begins = message.role === MessageRole.USER && open.size === 0;
    const turn = turns.at(-1);
    if (turn === undefined || begins) turns.push([message]);
    else turn.push(message);
    follow(message, open);
  }
  return turns;
}

/** Tool calls that no tool message answers yet. */
export function pendingToolCalls(messages: readonly Message[]): ToolCall[] {
  const open = new Set<string>();
  for (const message of messages) follow(message, open);
  const calls = messages.flatMap((message) =>
    message.role === MessageRole.ASSISTANT ? (message.toolCalls ?? []) : [],
  );
  return calls.filter(({ id }) => open.has(id));
}

function follow(message: Message, open: Set<string>): void {
  if (message.role === MessageRole.TOOL) open.delete(message.toolCallId);
  if (message.role !== MessageRole.ASSISTANT) return;
  for (const { id } of message.toolCalls ?? []) open.add(id);
}
