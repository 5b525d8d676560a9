import { MessageRole } from "../interface/message.ts";
import type { ResolvedMessage } from "../media/resolved-message.ts";

/** The conversation with more instructions, after those of its system message. */
export function withInstructions(
  messages: readonly ResolvedMessage[],
  instructions: string,
): ResolvedMessage[] {
  const [first, ...others] = messages;
  if (first?.role !== MessageRole.SYSTEM) {
    return [{ role: MessageRole.SYSTEM, content: instructions }, ...messages];
  }
  return [{ ...first, content: `${first.content}\n\n${instructions}` }, ...others];
}
