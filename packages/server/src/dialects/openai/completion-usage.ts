import type { FinishReason, Usage } from "abstractllm";

const FINISH_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  other: "stop",
};

/** Why an answer ended, in the words of completions. */
export const finishReasonOf = (reason: FinishReason): string => FINISH_REASONS[reason];

/** Tokens, in the words of completions. */
export function completionUsage(usage: Usage) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.totalTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** Seconds since 1970. */
export const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** What was done differently from what was asked, where there is anything to say. */
export function warningsOf({ warnings }: { readonly warnings: readonly string[] }): {
  warnings?: readonly string[];
} {
  return warnings.length === 0 ? {} : { warnings };
}
