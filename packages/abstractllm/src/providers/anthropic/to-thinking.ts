import { UnsupportedFeatureError } from "../../errors/index.ts";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import type { ProviderCall } from "../base-provider.ts";
import { withoutZero } from "../reasoning-limit.ts";
import type { OutputConfig, ThinkingConfig } from "./messages-request.ts";
import { type ThinkingRules, thinkingRules } from "./thinking-rules.ts";

/** Tokens to think with, for models that are told no degrees; the service takes no fewer than 1,024. */
const BUDGETS = { low: 1_024, medium: 4_096, high: 16_384 } as const;

/** Room for an answer, and for the thinking that counts as part of it where the model says how much. */
const DEFAULT_MAX_TOKENS = 2_048;
const THINKING_MAX_TOKENS = 16_384;

/** How a request says how much to think. */
export interface Thinking {
  readonly thinking?: ThinkingConfig;
  readonly effort?: NonNullable<OutputConfig["effort"]>;
}

/**
 * How one call says how much to think. Nothing is said where the user says nothing, except that a model that thinks
 * unasked may not do so when it must call a tool.
 *
 * @throws {UnsupportedFeatureError} when the model cannot be told so
 */
export function toThinking(call: Pick<ProviderCall, "options" | "toolChoice">): Thinking {
  const { model = "", reasoning: option } = call.options;
  const rules = thinkingRules(model);
  if (option === undefined) {
    const mustCall = call.toolChoice === "required" || typeof call.toolChoice === "object";
    return mustCall && rules.off !== "impossible" ? withoutThinking(model, rules) : {};
  }
  const reasoning = withoutZero(option);
  return reasoning === false ? withoutThinking(model, rules) : withThinking(reasoning, model, rules);
}

function withoutThinking(model: string, { off }: ThinkingRules): Thinking {
  if (off === "unasked") return {};
  if (off === "impossible") throw refuse(`${model} always thinks; take reasoning: "low" for little of it`);
  return { thinking: { type: off } };
}

function withThinking(
  reasoning: Exclude<ReasoningOption, false>,
  model: string,
  { thinks }: ThinkingRules,
): Thinking {
  if (thinks === "never") throw refuse(`${model} does not think; leave out reasoning or take a later model`);
  if (typeof reasoning === "object") {
    if (thinks === "adaptive") {
      throw refuse(`${model} has no limit of reasoning tokens; take reasoning: "low", "medium" or "high"`);
    }
    if (reasoning.effort !== undefined) {
      throw refuse(
        `${model} takes a limit of reasoning tokens or an effort, not both; leave one of them out`,
      );
    }
    return { thinking: { type: "enabled", budget_tokens: reasoning.maxTokens } };
  }
  if (thinks === "budget") {
    return {
      thinking: { type: "enabled", budget_tokens: BUDGETS[reasoning === true ? "medium" : reasoning] },
    };
  }
  const effort = reasoning === true ? {} : { effort: reasoning };
  return { thinking: { type: "adaptive", display: "summarized" }, ...effort };
}

const refuse = (message: string) =>
  new UnsupportedFeatureError("reasoning", message, { provider: "anthropic" });

/** Most tokens of an answer where the user does not say: enough to think and to answer. */
export function defaultMaxTokens({ thinking }: Thinking, model: string): number {
  if (thinking?.type === "enabled") return DEFAULT_MAX_TOKENS + thinking.budget_tokens;
  const thinks =
    thinking?.type === "adaptive" || (thinking === undefined && thinkingRules(model).off !== "unasked");
  return thinks ? THINKING_MAX_TOKENS : DEFAULT_MAX_TOKENS;
}
