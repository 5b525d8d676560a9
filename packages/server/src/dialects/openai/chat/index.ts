import type { Operation } from "../../dialect.ts";
import { ChatEvents } from "./chat-events.ts";
import { type ChatCall, readChat } from "./read-chat.ts";
import { writeChat } from "./write-chat.ts";

/** `/v1/chat/completions`. */
export const chatOperation: Operation<ChatCall> = {
  framing: "sse",
  keepAlive: ": keep-alive\n\n",
  read: readChat,
  whole: writeChat,
  events: (call, stamp) => new ChatEvents(call, stamp),
};
