import type { ImageFormats } from "../../media/image-formats.ts";

/** The body of a request to `/v1/messages`, as far as it is used here. */
export interface MessagesRequest extends MessagesPrompt {
  max_tokens: number;
  stream: true;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  stop_sequences?: string[];
  metadata?: { user_id: string };
  /** Keeps the prompt up to the last block that can be kept. */
  cache_control?: { type: "ephemeral"; ttl?: "1h" };
}

/** The part of a request that the model reads, which can be counted without an answer. */
export interface MessagesPrompt {
  model: string;
  messages: WireMessage[];
  system?: string;
  tools?: WireTool[];
  tool_choice?: { type: "auto" | "any" | "none" } | { type: "tool"; name: string };
  thinking?: ThinkingConfig;
  output_config?: OutputConfig;
}

/** Whether and how much to think. */
export type ThinkingConfig =
  | { type: "adaptive"; display: "summarized" }
  | { type: "enabled"; budget_tokens: number }
  | { type: "disabled" | "between_tools" };

/** How hard to think, and the shape of the answer. */
export interface OutputConfig {
  effort?: "low" | "medium" | "high";
  format?: { type: "json_schema"; schema: Record<string, unknown> };
}

/** A tool that the model may call. */
interface WireTool {
  name: string;
  description?: string;
  input_schema: Record<string, unknown>;
}

/** A part of a message; or one of an earlier answer, as it came. */
export type ContentBlock =
  | { type: "text"; text: string }
  | ImageFormats["anthropic"]
  | { type: "tool_use"; id: string; name: string; input: Readonly<Record<string, unknown>> }
  | { type: "tool_result"; tool_use_id: string; content: string; is_error?: true }
  | Readonly<Record<string, unknown>>;

/** A message. Instructions that lead the conversation are not one, but `system`. */
export type WireMessage =
  | { role: "user" | "assistant"; content: ContentBlock[] }
  | { role: "system"; content: string };
