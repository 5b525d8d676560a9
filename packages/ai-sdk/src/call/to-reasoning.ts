import { toReasoning as nearestReasoning } from "abstractllm";
import type { CallOptions } from "./call-options.ts";
import type { Warn } from "./warnings.ts";

/** How much the model is to think; undefined leaves it to the model. */
export function toReasoning(effort: CallOptions["reasoning"], warn: Warn) {
  if (effort === "provider-default") return undefined;
  const reasoning = nearestReasoning(effort);
  if (reasoning !== false && reasoning !== effort) {
    const details = `There are low, medium and high; ${effort} is taken as ${reasoning}.`;
    warn({ type: "compatibility", feature: "reasoning", details });
  }
  return reasoning;
}
