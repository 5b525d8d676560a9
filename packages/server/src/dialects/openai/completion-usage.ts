import type { FinishReason, Usage } from "abstractllm";
import type { Answer, Answers } from "../../answer/index.ts";

const FINISH_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  other: "stop",
};

/** Why an answer ended, in the words of completions. */
export const finishReasonOf = (reason: FinishReason): string => FINISH_REASONS[reason];

/**
 * Tokens, in the words of completions.
 *
 * @param n - how many answers there are to each prompt, whose tokens are counted once
 */
export function completionUsage(answers: Answers, n: number) {
  const sum = (count: (usage: Usage) => number, of: readonly { usage: Usage }[] = answers): number =>
    of.reduce((total, { usage }) => total + count(usage), 0);
  const prompts = answers.filter((_, index) => index % n === 0);
  const input = sum(({ inputTokens }) => inputTokens, prompts);
  const output = sum(({ outputTokens }) => outputTokens);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: sum(({ cachedInputTokens }) => cachedInputTokens, prompts) },
    completion_tokens_details: { reasoning_tokens: sum(({ reasoningTokens }) => reasoningTokens) },
  };
}

/** Seconds since 1970. */
export const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

/** What was done differently from what was asked, where there is anything to say. */
export function warningsOf(answers: readonly Pick<Answer, "warnings">[]): { warnings?: readonly string[] } {
  const warnings = [...new Set(answers.flatMap((answer) => answer.warnings))];
  return warnings.length === 0 ? {} : { warnings };
}
