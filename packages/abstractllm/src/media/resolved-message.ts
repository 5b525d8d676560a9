import type {
  AssistantMessage,
  SystemMessage,
  TextContent,
  ToolMessage,
  UserMessage,
} from "../interface/message.ts";
import type { ImageInput } from "./image-input.ts";

/** An image that was read and checked, or whose address the service may fetch itself. */
export interface ResolvedImage {
  type: "image";
  image: ImageInput;
}

/** What the user said, with files read: text is a string, and there are parts only where there are images. */
export interface ResolvedUserMessage extends UserMessage {
  content: string | readonly (TextContent | ResolvedImage)[];
}

/** A message as providers get it. */
export type ResolvedMessage = SystemMessage | ResolvedUserMessage | AssistantMessage | ToolMessage;
