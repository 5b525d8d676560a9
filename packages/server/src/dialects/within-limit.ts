import type { ReasoningOption } from "abstractllm";

/** Thoughts of at most so many tokens, of a degree where there are any. */
export function withinLimit(
  maxTokens: number,
  effort: "low" | "medium" | "high" | undefined,
): ReasoningOption {
  return { maxTokens, ...(effort === undefined || maxTokens === 0 ? {} : { effort }) };
}
