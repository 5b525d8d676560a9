import type { Tool } from "abstractllm";

/** A tool of a request. */
export interface ReadTool {
  readonly tool: Tool;
  /** The model's arguments are to be held to the tool's schema. */
  readonly isStrict: boolean;
}

/** Said where a client asks for more than every model can be held to. */
export const STRICT_NOTE =
  "strict is advice here: the arguments of tool calls are held to their schema where the engine can do so, and not elsewhere";
