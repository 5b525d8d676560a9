/** A call of a tool that the model asks for. */
export interface ToolCall {
  /** Unique within a conversation; the tool message that answers it carries the same. */
  id: string;
  name: string;
  arguments: Readonly<Record<string, unknown>>;
  /** The text of the arguments where it is no JSON object; `arguments` is empty then. */
  invalidArguments?: string;
}

/** What running a tool gave. */
export interface ToolResult {
  toolCallId: string;
  name: string;
  /** What the tool returned, or its error's message. */
  output: unknown;
  isError: boolean;
}
