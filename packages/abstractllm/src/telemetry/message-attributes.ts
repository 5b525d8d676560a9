import type { Attributes } from "@opentelemetry/api";
import type { GenerateResponse } from "../interface/generate-response.ts";
import { type Message, MessageRole, type Prompt } from "../interface/message.ts";
import type { ToolCall } from "../interface/tool-call.ts";
import { textOf } from "../prompt/text-of.ts";

/** The prompt in the conventions' form, as JSON. Images and files are left out. */
export function inputMessages(prompt: Prompt, systemPrompt: string | undefined): Attributes {
  const messages: readonly Message[] =
    typeof prompt === "string" ? [{ role: MessageRole.USER, content: prompt }] : prompt;
  const system = systemPrompt === undefined ? undefined : JSON.stringify([textPart(systemPrompt)]);
  return {
    "gen_ai.system_instructions": system,
    "gen_ai.input.messages": JSON.stringify(messages.map(messageOf)),
  };
}

/** The answer in the conventions' form, as JSON. */
export function outputMessages({ text, toolCalls, finishReason }: GenerateResponse): Attributes {
  const parts = [...(text === "" ? [] : [textPart(text)]), ...toolCalls.map(callPart)];
  const message = { role: MessageRole.ASSISTANT, parts, finish_reason: finishReason };
  return { "gen_ai.output.messages": JSON.stringify([message]) };
}

function messageOf(message: Message): object {
  const text = textOf(message);
  if (message.role === MessageRole.TOOL) {
    const { role, toolCallId: id } = message;
    return { role, parts: [{ type: "tool_call_response", id, response: text }] };
  }
  const calls = message.role === MessageRole.ASSISTANT ? (message.toolCalls ?? []) : [];
  return { role: message.role, parts: [...(text === "" ? [] : [textPart(text)]), ...calls.map(callPart)] };
}

const textPart = (content: string): object => ({ type: "text", content });

const callPart = ({ id, name, arguments: input }: ToolCall): object => ({
  type: "tool_call",
  id,
  name,
  arguments: input,
});
