import type { ReasoningOption } from "../interface/generate-options.ts";

/** The option `reasoning` with no tokens of it as what it means, `false`. */
export const withoutZero = (reasoning: ReasoningOption): ReasoningOption =>
  typeof reasoning === "object" && reasoning.maxTokens === 0 ? false : reasoning;

/** The degree of reasoning, where the option says one. */
export function effortOf(reasoning: ReasoningOption): "low" | "medium" | "high" | undefined {
  if (typeof reasoning === "string") return reasoning;
  return typeof reasoning === "object" ? reasoning.effort : undefined;
}

/** Most tokens of reasoning, where the option `reasoning` limits them and leaves some. */
export function limitOf(reasoning: ReasoningOption | undefined): number | undefined {
  return typeof reasoning === "object" && reasoning.maxTokens > 0 ? reasoning.maxTokens : undefined;
}
