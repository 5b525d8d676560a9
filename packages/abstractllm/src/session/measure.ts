import type { Options } from "../config/option-table.ts";
import { UnsupportedFeatureError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { Message } from "../interface/message.ts";
import { textOf } from "../prompt/text-of.ts";
import type { Length } from "./truncate.ts";

/** Low for English prose, about right for code and JSON: an estimate had better be too high than too low. */
const CHARACTERS_PER_TOKEN = 3;
/** What the usual services take for an image of one megapixel, rounded up. */
const TOKENS_PER_IMAGE = 1500;
/** Role and separators of a message in a chat template. */
const TOKENS_PER_MESSAGE = 8;

/** Counts a conversation with its model, or estimates where the provider cannot count. */
export async function measure(
  llm: AbstractLLM,
  messages: readonly Message[],
  options: Options,
): Promise<Length> {
  try {
    return { tokens: await llm.countTokens(messages, options), isExact: true };
  } catch (error) {
    if (!UnsupportedFeatureError.isInstance(error) || error.feature !== "token_counting") throw error;
    const system = options.systemPrompt?.length ?? 0;
    const tokens = messages.reduce((sum, message) => sum + estimate(message), tokensOf(system));
    return { tokens, isExact: false };
  }
}

function estimate(message: Message): number {
  const calls = message.role === "assistant" ? (message.toolCalls ?? []) : [];
  const characters = textOf(message).length + (calls.length === 0 ? 0 : JSON.stringify(calls).length);
  const images =
    typeof message.content === "string" ? 0 : message.content.filter((part) => part.type !== "text").length;
  return tokensOf(characters) + images * TOKENS_PER_IMAGE + TOKENS_PER_MESSAGE;
}

const tokensOf = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
