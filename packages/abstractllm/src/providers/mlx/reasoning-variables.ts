import type { ModelInfo } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";

/**
 * What the option `reasoning` sets in the chat template.
 *
 * @throws {UnsupportedFeatureError} `"reasoning"` when the model or its template has no such switch
 */
export function reasoningVariables(
  option: ReasoningOption | undefined,
  { reasoning, toolDialect, templateSwitches }: ModelInfo,
): Readonly<Record<string, unknown>> {
  const reasons = reasoning !== undefined || toolDialect === "harmony";
  if (option === undefined || (option === false && !reasons)) return {};
  if (!reasons) throw refuse("The model does not reason");
  const canSwitch = toolDialect !== "harmony" && templateSwitches.some((name) => name.endsWith("thinking"));
  if (typeof option === "boolean") {
    if (!option && !canSwitch) throw refuse("The model's chat template cannot turn reasoning off");
    return canSwitch ? { enable_thinking: option, thinking: option } : {};
  }
  if (typeof option === "object") throw refuse("The MLX provider cannot limit the tokens of reasoning");
  if (!templateSwitches.includes("reasoning_effort")) {
    throw refuse("The model's chat template knows no degrees of reasoning; set reasoning to true or false");
  }
  return { reasoning_effort: option, ...(canSwitch ? { enable_thinking: true, thinking: true } : {}) };
}

const refuse = (message: string) => new UnsupportedFeatureError("reasoning", message, { provider: "mlx" });
