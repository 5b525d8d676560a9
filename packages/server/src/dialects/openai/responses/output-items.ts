import type { TokenLogprob, ToolCall } from "abstractllm";
import { argumentsText } from "../../../answer/index.ts";
import { responseLogprobs } from "../logprobs.ts";

/** One item of a response's output. */
export type OutputItem = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/** How far an item got. */
export type ItemStatus = "completed" | "incomplete";

export const thoughtPart = (text: string) => ({ type: "reasoning_text", text });

/** Thoughts, and what the model needs to see again. */
export function reasoningItem(
  id: string,
  text: string,
  status: ItemStatus,
  encrypted_content?: string,
): OutputItem {
  return {
    id,
    type: "reasoning",
    status,
    summary: [],
    content: text === "" ? [] : [thoughtPart(text)],
    ...(encrypted_content === undefined ? {} : { encrypted_content }),
  };
}

/** The text of an answer. */
export const textPart = (text: string, tokens?: readonly TokenLogprob[]) => ({
  type: "output_text",
  text,
  annotations: [],
  logprobs: responseLogprobs(tokens),
});

export function messageItem(
  id: string,
  text: string,
  status: ItemStatus,
  tokens?: readonly TokenLogprob[],
): OutputItem {
  return { id, type: "message", role: "assistant", status, content: [textPart(text, tokens)] };
}

export function callItem(id: string, call: ToolCall, status: ItemStatus = "completed"): OutputItem {
  return {
    id,
    type: "function_call",
    status,
    call_id: call.id,
    name: call.name,
    arguments: argumentsText(call),
  };
}
