import { ContextWindowExceededError } from "../errors/index.ts";
import { estimateTokens } from "../prompt/estimate-tokens.ts";
import type { ProviderCall } from "./provider-call.ts";

/**
 * Holds a call to the user's own limits of length, and to the model's where the call may come near it.
 *
 * @param countInput - counts the prompt's tokens; called only where there is a limit to hold to
 * @param maxTokens - most tokens of the answer
 * @param modelWindow - tokens that the model holds, where that is known
 * @throws {ContextWindowExceededError} when the prompt is longer than `maxInputTokens`, or prompt and answer together
 * than `contextWindow` or the model's own
 */
export async function checkLength(
  { options, messages, provider }: ProviderCall,
  countInput: () => Promise<number>,
  maxTokens: number,
  modelWindow?: number,
): Promise<void> {
  const { maxInputTokens, contextWindow } = options;
  const isNear = modelWindow !== undefined && estimateTokens(messages) + maxTokens > modelWindow;
  if (maxInputTokens === undefined && contextWindow === undefined && !isNear) return;
  const inputTokens = await countInput();
  const total = inputTokens + maxTokens;
  const limits = [
    { what: "prompt has", length: inputTokens, limit: maxInputTokens, name: "maxInputTokens" },
    { what: "prompt and maxTokens need", length: total, limit: contextWindow, name: "contextWindow" },
    { what: "prompt and maxTokens need", length: total, limit: modelWindow, name: "the model's context" },
  ];
  for (const { what, length, limit, name } of limits) {
    if (limit === undefined || length <= limit) continue;
    const message = `The ${what} ${length} tokens, more than the ${limit} of ${name}; shorten the prompt or change the limit`;
    throw new ContextWindowExceededError(limit, length, message, { provider });
  }
}
