import type { ReasoningOption } from "abstractllm";
import type { ReasoningEffort } from "./call-options.ts";
import type { Warn } from "./warnings.ts";

const EFFORTS = {
  none: false,
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
  max: "high",
} as const satisfies Record<string, ReasoningOption>;

/** How much the model is to think; undefined leaves it to the model. */
export function toReasoning(
  effort: ReasoningEffort | undefined,
  warn: Warn,
): (typeof EFFORTS)[keyof typeof EFFORTS] | undefined {
  if (effort === undefined || effort === "provider-default") return undefined;
  const reasoning = EFFORTS[effort];
  if (reasoning !== false && reasoning !== effort) {
    const details = `There are low, medium and high; ${effort} is taken as ${reasoning}.`;
    warn({ type: "compatibility", feature: "reasoning", details });
  }
  return reasoning;
}
