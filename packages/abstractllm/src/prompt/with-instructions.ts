import { type Message, MessageRole } from "../interface/message.ts";

/** The conversation with more instructions, after those of its system message. */
export function withInstructions<M extends Message>(
  messages: readonly M[],
  instructions: string,
): (M | Message)[] {
  const [first, ...others] = messages;
  if (first?.role !== MessageRole.SYSTEM) {
    return [{ role: MessageRole.SYSTEM, content: instructions }, ...messages];
  }
  return [{ ...first, content: `${first.content}\n\n${instructions}` }, ...others];
}
