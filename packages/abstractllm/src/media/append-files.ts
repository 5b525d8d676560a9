import { InvalidRequestError } from "../errors/index.ts";
import { type Message, MessageRole } from "../interface/message.ts";

/**
 * The conversation with the texts of files at the end of its last user message.
 *
 * @throws {InvalidRequestError} when no message is the user's
 */
export function appendFiles(messages: readonly Message[], texts: readonly string[]): Message[] {
  if (texts.length === 0) return [...messages];
  const index = messages.findLastIndex((message) => message.role === MessageRole.USER);
  const message = messages[index];
  if (message?.role !== MessageRole.USER) {
    throw new InvalidRequestError(
      "files are appended to the last user message, and the conversation has none",
    );
  }
  const added = texts.map((text) => `\n\nFile content: ${text}`).join("");
  const content =
    typeof message.content === "string"
      ? message.content + added
      : [...message.content, { type: "text" as const, text: added }];
  return messages.with(index, { ...message, content });
}
