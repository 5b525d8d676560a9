import type { ContentPart, Message } from "abstractllm";
import type { Warn } from "../call/warnings.ts";
import { assistantMessages } from "./assistant-messages.ts";
import type { GivenMessage, UserPart } from "./given-message.ts";
import { toFilePart } from "./to-file-part.ts";
import { toolMessages } from "./tool-messages.ts";

/**
 * A conversation of the AI SDK as the library's.
 *
 * @throws {UnsupportedFunctionalityError} for content that no message can hold
 */
export function toMessages(prompt: readonly GivenMessage[], warn: Warn): Message[] {
  return prompt.flatMap((message) => readMessage(message, warn));
}

function readMessage(message: GivenMessage, warn: Warn): Message[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map(readPart) }];
    case "assistant":
      return assistantMessages(message.content, warn);
    case "tool":
      return toolMessages(message.content, warn);
  }
}

function readPart(part: UserPart): ContentPart {
  return part.type === "text" ? { type: "text", text: part.text } : toFilePart(part);
}
