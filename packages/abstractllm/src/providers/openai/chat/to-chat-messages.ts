import type { ToolCall } from "../../../interface/tool-call.ts";
import type { ResolvedMessage, ResolvedUserMessage } from "../../../media/index.ts";
import type { ChatContentPart, ChatMessage, ChatToolCall } from "./chat-request.ts";

/**
 * The conversation as chat completions take it.
 *
 * @param systemRole - what instructions are called: `"developer"` for OpenAI's reasoning models
 */
export function toChatMessages(
  messages: readonly ResolvedMessage[],
  systemRole: "system" | "developer",
  signal: AbortSignal,
): Promise<ChatMessage[]> {
  return Promise.all(messages.map((message) => toChatMessage(message, systemRole, signal)));
}

async function toChatMessage(
  message: ResolvedMessage,
  systemRole: "system" | "developer",
  signal: AbortSignal,
): Promise<ChatMessage> {
  const name = message.name === undefined ? {} : { name: message.name };
  switch (message.role) {
    case "system":
      return { role: systemRole, content: message.content, ...name };
    case "user":
      return { role: "user", content: await toContent(message, signal), ...name };
    case "tool":
      return { role: "tool", content: message.content, tool_call_id: message.toolCallId };
    case "assistant": {
      const { content, toolCalls = [] } = message;
      if (toolCalls.length === 0) return { role: "assistant", content, ...name };
      const text = content === "" ? null : content;
      return { role: "assistant", content: text, tool_calls: toolCalls.map(toChatToolCall), ...name };
    }
  }
}

async function toContent(
  { content }: ResolvedUserMessage,
  signal: AbortSignal,
): Promise<string | ChatContentPart[]> {
  if (typeof content === "string") return content;
  return Promise.all(
    content.map(async (part): Promise<ChatContentPart> => {
      if (part.type === "text") return { type: "text", text: part.text };
      return part.image.toProviderFormat("openai", signal);
    }),
  );
}

function toChatToolCall({ id, name, arguments: input, invalidArguments }: ToolCall): ChatToolCall {
  return { id, type: "function", function: { name, arguments: invalidArguments ?? JSON.stringify(input) } };
}
