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
  if (message === undefined) {
    throw new InvalidRequestError(
      "files are appended to the last user message, and the conversation has none",
    );
  }
  const content = message.content + texts.map((text) => `\n\nFile content: ${text}`).join("");
  return messages.with(index, { ...message, content });
}
