import type { Options } from "../config/option-table.ts";
import { ContextWindowExceededError } from "../errors/index.ts";

/**
 * Holds a call to the user's own limits of length.
 *
 * @param countInput - counts the prompt's tokens; called only where there is a limit
 * @param maxTokens - most tokens of the answer
 * @throws {ContextWindowExceededError} when the prompt is longer than `maxInputTokens`, or prompt and answer together
 * than `contextWindow`
 */
export async function checkLength(
  { maxInputTokens, contextWindow }: Options,
  countInput: () => Promise<number>,
  maxTokens: number,
  provider: string,
): Promise<void> {
  if (maxInputTokens === undefined && contextWindow === undefined) return;
  const inputTokens = await countInput();
  const limits = [
    { name: "maxInputTokens", limit: maxInputTokens, length: inputTokens },
    { name: "contextWindow", limit: contextWindow, length: inputTokens + maxTokens },
  ];
  for (const { name, limit, length } of limits) {
    if (limit === undefined || length <= limit) continue;
    const what = name === "contextWindow" ? "prompt and maxTokens need" : "prompt has";
    const message = `The ${what} ${length} tokens, more than the ${limit} of ${name}; shorten it or raise the limit`;
    throw new ContextWindowExceededError(limit, length, message, { provider });
  }
}
