import type { JsonSchema } from "../../interface/schema.ts";
import type { LogprobFields } from "../logprob-fields.ts";

/** The body of a request to `/api/chat`, as far as it is used here. Log probabilities are known since 0.12.11. */
export interface OllamaRequest extends LogprobFields {
  model: string;
  messages: OllamaMessage[];
  stream: true;
  /** An answer that does not fit is an error, instead of one to half the prompt. */
  truncate: false;
  shift: false;
  format?: JsonSchema;
  tools?: OllamaTool[];
  think?: boolean | "low" | "medium" | "high";
  options: OllamaOptions;
}

/** Parameters of the model. */
export interface OllamaOptions {
  num_predict?: number;
  num_ctx?: number;
  temperature?: number;
  top_p?: number;
  top_k?: number;
  min_p?: number;
  repeat_penalty?: number;
  frequency_penalty?: number;
  presence_penalty?: number;
  seed?: number;
  stop?: string[];
}

/** A tool that the model may call. */
export interface OllamaTool {
  type: "function";
  function: { name: string; description?: string; parameters: Record<string, unknown> };
}

/** A message. */
export interface OllamaMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string;
  thinking?: string;
  images?: string[];
  tool_calls?: { function: { name: string; arguments: Record<string, unknown> } }[];
  tool_name?: string;
}
