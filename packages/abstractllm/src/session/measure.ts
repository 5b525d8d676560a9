import type { Options } from "../config/option-table.ts";
import { UnsupportedFeatureError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { Message } from "../interface/message.ts";
import { estimateTokens } from "../prompt/estimate-tokens.ts";
import type { Length } from "./truncate.ts";

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
    return { tokens: estimateTokens(messages, options.systemPrompt), isExact: false };
  }
}
