import type { ReasoningOption } from "./generate-options.ts";

const REASONING = {
  none: false,
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
  max: "high",
} as const satisfies Record<string, ReasoningOption>;

/** How much a model thinks before it answers, in the words of services and of the AI SDK. */
export type ReasoningEffort = keyof typeof REASONING;

/**
 * The option `reasoning` that is nearest to an effort.
 *
 * @param effort - undefined leaves it to the model
 * @example
 * const response = await llm.generate("Is 1001 a prime?", { reasoning: toReasoning("xhigh") }); // "high"
 */
export function toReasoning(
  effort: ReasoningEffort | undefined,
): (typeof REASONING)[ReasoningEffort] | undefined {
  return effort === undefined ? undefined : REASONING[effort];
}
