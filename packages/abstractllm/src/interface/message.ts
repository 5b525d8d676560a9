/** Who says a message. */
export const MessageRole = {
  SYSTEM: "system",
  USER: "user",
  ASSISTANT: "assistant",
  TOOL: "tool",
} as const;

/** One of the values of `MessageRole`. */
export type MessageRole = (typeof MessageRole)[keyof typeof MessageRole];

/** One message of a conversation. */
export interface Message {
  role: MessageRole;
  content: string;
  /** Name of the speaker or tool, for models that tell several apart. */
  name?: string;
}

/** What a model is asked: a text, which is one user message, or a conversation. */
export type Prompt = string | readonly Message[];
