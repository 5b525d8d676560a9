import type { LogprobFields } from "../../logprob-fields.ts";

/** The body of a request to `/chat/completions`, as far as it is used here. */
export interface ChatRequest extends LogprobFields {
  model: string;
  messages: ChatMessage[];
  stream: true;
  stream_options: { include_usage: true };
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  logit_bias?: Record<string, number>;
  seed?: number;
  stop?: string | string[];
  user?: string;
  reasoning_effort?: "none" | "low" | "medium" | "high";
  tools?: ChatTool[];
  tool_choice?: "auto" | "none" | "required" | { type: "function"; function: { name: string } };
  response_format?: {
    type: "json_schema";
    json_schema: { name: string; schema: Record<string, unknown>; strict: boolean };
  };
}

/** A tool that the model may call. */
export interface ChatTool {
  type: "function";
  function: { name: string; description?: string; parameters: Record<string, unknown> };
}

/** A call of a tool in an assistant's message. */
export interface ChatToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

/** A part of a user's message. */
export type ChatContentPart =
  | { type: "text"; text: string }
  | { type: "image_url"; image_url: { url: string; detail?: "auto" | "low" | "high" } };

/** A message. */
export type ChatMessage =
  | { role: "system" | "developer"; content: string; name?: string }
  | { role: "user"; content: string | ChatContentPart[]; name?: string }
  | { role: "assistant"; content: string | null; tool_calls?: ChatToolCall[]; name?: string }
  | { role: "tool"; content: string; tool_call_id: string };
