import type { ReasoningOption } from "abstractllm";
import { oneOf } from "../../fields/index.ts";

const EFFORTS = {
  none: false,
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "high",
} as const satisfies Record<string, ReasoningOption>;

export const effortCheck = oneOf("none", "minimal", "low", "medium", "high", "xhigh");

/** How much the model is to think. */
export function toReasoning(effort: keyof typeof EFFORTS | undefined): ReasoningOption | undefined {
  return effort === undefined ? undefined : EFFORTS[effort];
}
