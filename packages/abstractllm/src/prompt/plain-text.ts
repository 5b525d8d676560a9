import { type Message, MessageRole } from "../interface/message.ts";
import { textOf } from "./text-of.ts";

/** A conversation for models without a chat template: the instructions, a blank line, the prompt or the turns. */
export function plainText(messages: readonly Message[]): string {
  const isExchange = messages.filter(({ role }) => role !== MessageRole.SYSTEM).length > 1;
  if (!isExchange) return messages.map(textOf).join("\n\n");
  const turns = messages.map((message) =>
    message.role === MessageRole.SYSTEM ? message.content : `${message.role}: ${textOf(message)}`,
  );
  return `${turns.join("\n\n")}\n\nassistant:`;
}
