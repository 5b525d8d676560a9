import type { ChatMessage } from "@abstractllm/mlx";
import type { Message } from "../../interface/message.ts";
import type { ToolCall } from "../../interface/tool-call.ts";
import { textOf } from "../../prompt/text-of.ts";

/** A message as chat templates know it, with tool calls as `transformers` writes them. */
export function toChatMessage(message: Message): ChatMessage {
  const { role, name } = message;
  const base: ChatMessage = { role, content: textOf(message), ...(name === undefined ? {} : { name }) };
  if (message.role === "tool") return { ...base, tool_call_id: message.toolCallId };
  if (message.role !== "assistant") return base;
  const { reasoning, toolCalls = [] } = message;
  return {
    ...base,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toTemplateCall) }),
  };
}

const toTemplateCall = ({ id, name, arguments: input }: ToolCall) => ({
  id,
  type: "function",
  function: { name, arguments: input },
});
