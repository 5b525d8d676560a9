import type { Operation } from "../../dialect.ts";
import { choicesOf } from "../choices.ts";
import { ChatEvents, endOfChat } from "./chat-events.ts";
import { type ChatCall, readChat } from "./read-chat.ts";
import { writeChat } from "./write-chat.ts";

/** `/v1/chat/completions`. */
export const chatOperation: Operation<ChatCall> = {
  framing: "sse",
  keepAlive: ": keep-alive\n\n",
  read: readChat,
  choices: (call) => choicesOf(call, call.n),
  whole: writeChat,
  events: (call, stamp, index) => new ChatEvents(call, stamp, index),
  end: endOfChat,
};
