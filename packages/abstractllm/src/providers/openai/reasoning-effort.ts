import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import { withoutZero } from "../reasoning-limit.ts";

/**
 * How OpenAI's protocols say how much to think; undefined leaves it to the model.
 *
 * @throws {UnsupportedFeatureError} for a number of tokens, which they cannot say
 */
export function toReasoningEffort(
  option: ReasoningOption,
  provider: string,
): "none" | "low" | "medium" | "high" | undefined {
  const reasoning = withoutZero(option);
  if (typeof reasoning === "object") {
    const message = 'There is no limit of reasoning tokens here; take reasoning: "low", "medium" or "high"';
    throw new UnsupportedFeatureError("reasoning", message, { provider });
  }
  if (reasoning === true) return undefined;
  return reasoning === false ? "none" : reasoning;
}
