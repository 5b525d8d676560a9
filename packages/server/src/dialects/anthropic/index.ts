import type { Operation } from "../dialect.ts";
import { MessageEvents } from "./message-events.ts";
import { readCall } from "./read-call.ts";
import { writeMessage } from "./write-message.ts";

export { writeAnthropicError } from "./anthropic-error.ts";
export { readCount } from "./read-call.ts";

/** `/v1/messages`. */
export const messagesOperation: Operation = {
  framing: "sse",
  keepAlive: 'event: ping\ndata: {"type":"ping"}\n\n',
  read: readCall,
  whole: ([answer], call, stamp) => writeMessage(answer, call, stamp),
  events: (call, stamp) => new MessageEvents(call, stamp),
};
