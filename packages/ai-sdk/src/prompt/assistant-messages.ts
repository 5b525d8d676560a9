import type { AssistantMessage, Message, ToolCall } from "abstractllm";
import { keptData } from "../call/kept-data.ts";
import type { Warn } from "../call/warnings.ts";
import type { AssistantPart } from "./given-message.ts";
import { toolMessages } from "./tool-messages.ts";

type CallPart = Extract<AssistantPart, { type: "tool-call" }>;

/** What a model answered. Results of tools that ran at another service stand between its parts, as messages do here. */
export function assistantMessages(parts: readonly AssistantPart[], warn: Warn): Message[] {
  const messages: Message[] = [];
  let said: AssistantPart[] = [];
  const flush = () => {
    if (said.length > 0) messages.push(toMessage(said, warn));
    said = [];
  };
  for (const part of parts) {
    if (part.type !== "tool-result") {
      said.push(part);
      continue;
    }
    flush();
    messages.push(...toolMessages([part], warn));
  }
  flush();
  return messages;
}

function toMessage(parts: readonly AssistantPart[], warn: Warn): AssistantMessage {
  const toolCalls: ToolCall[] = [];
  let content = "";
  let reasoning = "";
  let providerData: AssistantMessage["providerData"];
  for (const part of parts) {
    if (part.type === "text") content += part.text;
    else if (part.type === "reasoning") {
      reasoning += part.text;
      providerData = keptData(part.providerOptions) ?? providerData;
    } else if (part.type === "tool-call") toolCalls.push(toToolCall(part));
    else {
      const details = "What models answer is text; this part was left out.";
      warn({ type: "unsupported", feature: `${part.type} parts of assistant messages`, details });
    }
  }
  return {
    role: "assistant",
    content,
    ...(reasoning === "" ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(providerData === undefined ? {} : { providerData }),
  };
}

function toToolCall({ toolCallId: id, toolName: name, input }: CallPart): ToolCall {
  if (typeof input === "object" && input !== null && !Array.isArray(input)) {
    return { id, name, arguments: { ...input } };
  }
  const text = typeof input === "string" ? input : JSON.stringify(input);
  return { id, name, arguments: {}, invalidArguments: text }; // the model is shown what it wrote
}
