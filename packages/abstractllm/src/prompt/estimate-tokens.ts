import type { Message } from "../interface/message.ts";
import { textOf } from "./text-of.ts";

/** Low for English prose, about right for code and JSON: an estimate had better be too high than too low. */
const CHARACTERS_PER_TOKEN = 3;
/** What the usual services take for an image of one megapixel, rounded up. */
const TOKENS_PER_IMAGE = 1500;
/** Role and separators of a message in a chat template. */
const TOKENS_PER_MESSAGE = 8;

/** About how many tokens a conversation has; rather too many than too few. */
export function estimateTokens(messages: readonly Message[], systemPrompt = ""): number {
  return messages.reduce((sum, message) => sum + estimate(message), tokensOf(systemPrompt.length));
}

function estimate(message: Message): number {
  const calls = message.role === "assistant" ? (message.toolCalls ?? []) : [];
  const characters = textOf(message).length + (calls.length === 0 ? 0 : JSON.stringify(calls).length);
  const images =
    typeof message.content === "string" ? 0 : message.content.filter((part) => part.type !== "text").length;
  return tokensOf(characters) + images * TOKENS_PER_IMAGE + TOKENS_PER_MESSAGE;
}

const tokensOf = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
