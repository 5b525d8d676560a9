import type { TokenLogprob, ToolCall } from "abstractllm";
import { argumentsText } from "../../../answer/index.ts";
import { responseLogprobs } from "../logprobs.ts";

/** One item of a response's output. */
export type OutputItem = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

export const thoughtPart = (text: string) => ({ type: "reasoning_text", text });

/** Thoughts, and what the model needs to see again. */
export function reasoningItem(id: string, text: string, encrypted_content: string | undefined): OutputItem {
  return {
    id,
    type: "reasoning",
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

export function messageItem(id: string, text: string, tokens?: readonly TokenLogprob[]): OutputItem {
  return { id, type: "message", role: "assistant", status: "completed", content: [textPart(text, tokens)] };
}

export function callItem(id: string, call: ToolCall): OutputItem {
  return {
    id,
    type: "function_call",
    status: "completed",
    call_id: call.id,
    name: call.name,
    arguments: argumentsText(call),
  };
}
