import type { GenerateRequest, ModelInfo } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import { withoutZero } from "../reasoning-limit.ts";

/** What a request says about reasoning. */
interface ReasoningRequest extends Pick<GenerateRequest, "reasoningBudget"> {
  /** For the chat template. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * What the option `reasoning` sets: variables of the chat template, and the engine's limit where there is to be one, or
 * where the template cannot turn reasoning off.
 *
 * @throws {UnsupportedFeatureError} `"reasoning"` when the model does not reason, or its template knows no degrees of it
 */
export function reasoningRequest(option: ReasoningOption | undefined, info: ModelInfo): ReasoningRequest {
  const { reasoning, toolDialect, templateSwitches } = info;
  const reasons = reasoning !== undefined || toolDialect === "harmony";
  const isOff = option !== undefined && withoutZero(option) === false;
  if (option === undefined || (isOff && !reasons)) return { variables: {} };
  if (!reasons) throw refuse("The model does not reason");
  const canSwitch = toolDialect !== "harmony" && templateSwitches.some((name) => name.endsWith("thinking"));
  const variables = canSwitch ? { enable_thinking: !isOff, thinking: !isOff } : {};
  if (typeof option === "object") return { variables, reasoningBudget: option.maxTokens };
  if (typeof option === "boolean")
    return isOff && !canSwitch ? { variables, reasoningBudget: 0 } : { variables };
  if (!templateSwitches.includes("reasoning_effort")) {
    throw refuse("The model's chat template knows no degrees of reasoning; set reasoning to true or false");
  }
  return { variables: { ...variables, reasoning_effort: option } };
}

const refuse = (message: string) => new UnsupportedFeatureError("reasoning", message, { provider: "mlx" });
