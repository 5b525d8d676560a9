import type { ChatMessage, MessagePart } from "@abstractllm/mlx";
import type { ToolCall } from "../../interface/tool-call.ts";
import type { ResolvedMessage } from "../../media/resolved-message.ts";
import type { ImageBytes } from "./image-bytes.ts";

/** A message as chat templates know it, with tool calls as `transformers` writes them. */
export function toChatMessage(message: ResolvedMessage, images: ImageBytes): ChatMessage {
  const { role, name } = message;
  const content = contentOf(message, images);
  const base: ChatMessage = { role, content, ...(name === undefined ? {} : { name }) };
  if (message.role === "tool") return { ...base, tool_call_id: message.toolCallId };
  if (message.role !== "assistant") return base;
  const { reasoning, toolCalls = [] } = message;
  return {
    ...base,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toTemplateCall) }),
  };
}

function contentOf({ content }: ResolvedMessage, images: ImageBytes): ChatMessage["content"] {
  if (typeof content === "string") return content;
  return content.flatMap((part): MessagePart[] => {
    if (part.type === "text") return [part];
    const image = images.get(part.image);
    return image === undefined ? [] : [{ type: "image", image }];
  });
}

const toTemplateCall = ({ id, name, arguments: input }: ToolCall) => ({
  id,
  type: "function",
  function: { name, arguments: input },
});
