import { type Message, MessageRole } from "../interface/message.ts";
import { textOf } from "./text-of.ts";

/**
 * A conversation for models without a chat template: the instructions, a blank line, the prompt or the turns.
 *
 * @param toText - what to say for a message; its text by default
 */
export function plainText<M extends Message>(
  messages: readonly M[],
  toText: (message: M) => string = textOf,
): string {
  const isExchange = messages.filter(({ role }) => role !== MessageRole.SYSTEM).length > 1;
  if (!isExchange) return messages.map(toText).join("\n\n");
  const turns = messages.map((message) =>
    message.role === MessageRole.SYSTEM ? toText(message) : `${message.role}: ${toText(message)}`,
  );
  return `${turns.join("\n\n")}\n\nassistant:`;
}
