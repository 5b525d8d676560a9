/** What includes the log probabilities of the text's tokens. */
export const LOGPROBS = "message.output_text.logprobs";

/** The body of a request to `/responses`, as far as it is used here. */
export interface ResponsesRequest extends ResponsesPrompt {
  stream: true;
  /** Nothing stays with the service; reasoning comes encrypted, to be sent again. */
  store: false;
  include?: ("reasoning.encrypted_content" | typeof LOGPROBS)[];
  top_logprobs?: number;
  temperature?: number;
  top_p?: number;
  max_output_tokens?: number;
  user?: string;
}

/** The part of a request that the model reads. */
export interface ResponsesPrompt {
  model: string;
  input: InputItem[];
  tools?: ResponsesTool[];
  tool_choice?: "auto" | "none" | "required" | { type: "function"; name: string };
  text?: {
    format: { type: "json_schema"; name: string; schema: Record<string, unknown>; strict: boolean };
  };
  reasoning?: { effort?: "none" | "low" | "medium" | "high"; summary?: "auto" };
}

/** A tool that the model may call. */
interface ResponsesTool {
  type: "function";
  name: string;
  description?: string;
  parameters: Record<string, unknown>;
  strict: false;
}

/** A part of a user's message. */
export type InputPart =
  | { type: "input_text"; text: string }
  | { type: "input_image"; image_url: string; detail: "auto" | "low" | "high" };

/** A message, a tool call, its result, or an item of an earlier answer as it came. */
export type InputItem =
  | { role: "system" | "developer"; content: string }
  | { role: "user"; content: string | InputPart[] }
  | { role: "assistant"; content: string }
  | { type: "function_call"; call_id: string; name: string; arguments: string }
  | { type: "function_call_output"; call_id: string; output: string }
  | Readonly<Record<string, unknown>>;
