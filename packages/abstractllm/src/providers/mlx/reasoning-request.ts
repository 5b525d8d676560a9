import type { GenerateRequest, ModelInfo } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import { effortOf, withoutZero } from "../reasoning-limit.ts";

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
export function reasoningRequest(
  option: ReasoningOption | undefined,
  { reasoning, toolDialect, templateSwitches }: ModelInfo,
): ReasoningRequest {
  const reasons = reasoning !== undefined || toolDialect === "harmony";
  const isOff = option !== undefined && withoutZero(option) === false;
  if (option === undefined || (isOff && !reasons)) return { variables: {} };
  if (!reasons) throw refuse("The model does not reason");
  const reads = (name: ModelInfo["templateSwitches"][number]) => templateSwitches.includes(name);
  const canSwitch = toolDialect !== "harmony" && (reads("enable_thinking") || reads("thinking"));
  const switches = canSwitch ? { enable_thinking: !isOff, thinking: !isOff } : {};
  const effort = effortOf(option);
  if (effort !== undefined && !reads("reasoning_effort")) {
    const instead = typeof option === "object" ? "leave out its effort" : "set reasoning to true or false";
    throw refuse(`The model's chat template knows no degrees of reasoning; ${instead}`);
  }
  const limit = typeof option === "object" ? option.maxTokens : isOff ? 0 : undefined;
  const isTold = limit !== undefined && reads("thinking_budget");
  const isHeld = typeof option === "object" || (isOff && !canSwitch && !isTold);
  return {
    variables: {
      ...switches,
      ...(effort === undefined ? {} : { reasoning_effort: effort }),
      ...(isTold ? { thinking_budget: limit } : {}),
    },
    ...(isHeld && limit !== undefined ? { reasoningBudget: limit } : {}),
  };
}

const refuse = (message: string) => new UnsupportedFeatureError("reasoning", message, { provider: "mlx" });
