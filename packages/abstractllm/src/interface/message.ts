import type { ImageDetail, MediaSource } from "./media-source.ts";
import type { ToolCall } from "./tool-call.ts";

/** Who says a message. */
export const MessageRole = {
  SYSTEM: "system",
  USER: "user",
  ASSISTANT: "assistant",
  TOOL: "tool",
} as const;

/** One of the values of `MessageRole`. */
export type MessageRole = (typeof MessageRole)[keyof typeof MessageRole];

/** A piece of text in a message of several parts. */
export interface TextContent {
  type: "text";
  text: string;
}

/** An image in a message; needs a vision model. */
export interface ImageContent {
  type: "image";
  image: MediaSource;
  /** How finely it is looked at. Default: the option `imageDetail`. */
  detail?: ImageDetail;
}

/** A file in a message: its text becomes part of the message, an image is the same as an `image` part. */
export interface FileContent {
  type: "file";
  file: MediaSource;
}

/** One part of a user's message. */
export type ContentPart = TextContent | ImageContent | FileContent;

/** Instructions for the whole conversation. */
export interface SystemMessage {
  role: "system";
  content: string;
  name?: string;
}

/** What the user says and shows. */
export interface UserMessage {
  role: "user";
  content: string | readonly ContentPart[];
  /** Name of the speaker, for models that tell several apart. */
  name?: string;
}

/** What the model answered. */
export interface AssistantMessage {
  role: "assistant";
  content: string;
  /** What the model thought before it answered. */
  reasoning?: string;
  /** The tools it asked for; each is answered by a tool message with the same id. */
  toolCalls?: readonly ToolCall[];
  /** What a model needs to see again with its message, such as signatures of reasoning; by provider and model. */
  providerData?: Readonly<Record<string, unknown>>;
  name?: string;
}

/** What a tool gave. */
export interface ToolMessage {
  role: "tool";
  /** The output as text; objects as JSON. */
  content: string;
  /** The call that this answers. */
  toolCallId: string;
  /** Name of the tool. */
  name?: string;
  /** The tool failed, and `content` says how. Default false. */
  isError?: boolean;
}

/** One message of a conversation. */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** What a model is asked: a text, which is one user message, or a conversation. */
export type Prompt = string | readonly Message[];
