import type { AssistantMessage } from "../../interface/message.ts";
import type { ResolvedMessage, ResolvedUserMessage } from "../../media/index.ts";
import { asArray, asRecord } from "../remote/index.ts";
import type { ContentBlock, MessagesPrompt, WireMessage } from "./messages-request.ts";

/**
 * The conversation as the messages API takes it.
 *
 * What follows on each other for the user, results of tools included, becomes one message: the results of tools that
 * were called together must stand together.
 */
export async function toWireMessages(
  messages: readonly ResolvedMessage[],
  signal: AbortSignal,
): Promise<Pick<MessagesPrompt, "system" | "messages">> {
  const begin = messages.findIndex(({ role }) => role !== "system");
  const leading = begin < 0 ? messages : messages.slice(0, begin);
  const system = leading.map(({ content }) => content).join("\n\n");
  const others = begin < 0 ? [] : messages.slice(begin);
  const turns = await Promise.all(others.map((message) => toWireMessage(message, signal)));
  return { ...(system === "" ? {} : { system }), messages: withoutLastSpace(joinUserTurns(turns)) };
}

async function toWireMessage(message: ResolvedMessage, signal: AbortSignal): Promise<WireMessage> {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.content };
    case "user":
      return { role: "user", content: await toContent(message, signal) };
    case "tool": {
      const { content, toolCallId, isError = false } = message;
      const result = { type: "tool_result", tool_use_id: wireId(toolCallId), content } as const;
      return { role: "user", content: [isError ? { ...result, is_error: true } : result] };
    }
    case "assistant":
      return { role: "assistant", content: toAnswerContent(message) };
  }
}

async function toContent({ content }: ResolvedUserMessage, signal: AbortSignal): Promise<ContentBlock[]> {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const blocks = await Promise.all(
    content.map(async (part): Promise<ContentBlock> => {
      if (part.type === "text") return { type: "text", text: part.text };
      return part.image.toProviderFormat("anthropic", signal);
    }),
  );
  const said = blocks.filter(isNotBlank);
  return said.length === 0 ? blocks : said;
}

/** An answer that holds thinking goes back as it came, so that the model goes on thinking where it was. */
function toAnswerContent({ content, toolCalls = [], providerData = {} }: AssistantMessage): ContentBlock[] {
  const kept = asArray(asRecord(providerData.anthropic).content).map(asRecord);
  if (kept.length > 0) return kept.filter(isNotBlank);
  const calls = toolCalls.map(({ id, name, arguments: input }) => {
    return { type: "tool_use" as const, id: wireId(id), name, input };
  });
  return [{ type: "text" as const, text: content }, ...calls].filter(isNotBlank);
}

/** The service refuses texts of nothing but space. */
const isNotBlank = (block: ContentBlock): boolean =>
  !("text" in block) || typeof block.text !== "string" || block.text.trim() !== "";

/** Ids of other services may hold characters that this one refuses. */
const wireId = (id: string): string => id.replace(/[^\w-]/g, "_");

function joinUserTurns(turns: readonly WireMessage[]): WireMessage[] {
  const joined: WireMessage[] = [];
  for (const turn of turns) {
    const last = joined.at(-1);
    if (last?.role === "user" && turn.role === "user") last.content.push(...turn.content);
    else joined.push(turn);
  }
  return joined;
}

/** The service refuses to go on with an answer that ends in space. */
function withoutLastSpace(messages: WireMessage[]): WireMessage[] {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return messages;
  const block = last.content.at(-1);
  if (block?.type !== "text" || typeof block.text !== "string") return messages;
  const content = [...last.content.slice(0, -1), { ...block, text: block.text.trimEnd() }];
  return [...messages.slice(0, -1), { role: "assistant", content }];
}
