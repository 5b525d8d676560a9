import type { ModelInfo } from "@abstractllm/mlx";
import { describe, expect, test } from "vitest";
import type { ReasoningOption } from "../../interface/generate-options.ts";
import { reasoningRequest } from "./reasoning-request.ts";

type Traits = Pick<ModelInfo, "templateSwitches"> & Partial<Pick<ModelInfo, "reasoning" | "toolDialect">>;

const marks = { start: "<think>", end: "</think>" };
const MODELS = {
  plain: { templateSwitches: ["tools"] },
  qwen3: { templateSwitches: ["tools", "enable_thinking"], reasoning: marks },
  r1: { templateSwitches: [], reasoning: marks },
  deepSeekV4: { templateSwitches: ["enable_thinking", "thinking", "reasoning_effort"], reasoning: marks },
  // its template has a variable of its own named thinking
  gptOss: { templateSwitches: ["tools", "thinking", "reasoning_effort"], toolDialect: "harmony" },
  // reads how many tokens it may think
  seedOss: { templateSwitches: ["tools", "thinking_budget"], reasoning: marks },
} as const satisfies Record<string, Traits>;

const ask = (option: ReasoningOption | undefined, model: Traits) =>
  reasoningRequest(option, model as ModelInfo);
const variables = (option: ReasoningOption | undefined, model: Traits) => ask(option, model).variables;

describe("the option reasoning", () => {
  test.each(Object.entries(MODELS))("changes nothing where it is not set: %s", (_, model) => {
    expect(ask(undefined, model)).toEqual({ variables: {} });
  });

  test("sets what the template reads", () => {
    const off = { enable_thinking: false, thinking: false };
    const on = { enable_thinking: true, thinking: true };
    expect(variables(false, MODELS.qwen3)).toEqual(off);
    expect(variables(true, MODELS.qwen3)).toEqual(on);
    expect(variables(true, MODELS.r1)).toEqual({});
    expect(variables("high", MODELS.deepSeekV4)).toEqual({ ...on, reasoning_effort: "high" });
    expect(variables("low", MODELS.gptOss)).toEqual({ reasoning_effort: "low" });
    expect(variables(true, MODELS.gptOss)).toEqual({});
    expect(variables(false, MODELS.plain)).toEqual({});
  });

  test("limits reasoning in the engine, and asks for it", () => {
    const on = { enable_thinking: true, thinking: true };
    expect(ask({ maxTokens: 9 }, MODELS.qwen3)).toEqual({ variables: on, reasoningBudget: 9 });
    expect(ask({ maxTokens: 9 }, MODELS.r1)).toEqual({ variables: {}, reasoningBudget: 9 });
    expect(ask({ maxTokens: 9 }, MODELS.gptOss)).toEqual({ variables: {}, reasoningBudget: 9 });
  });

  test("limits reasoning of a degree", () => {
    const on = { enable_thinking: true, thinking: true };
    expect(ask({ maxTokens: 9, effort: "low" }, MODELS.deepSeekV4)).toEqual({
      variables: { ...on, reasoning_effort: "low" },
      reasoningBudget: 9,
    });
    expect(ask({ maxTokens: 9, effort: "high" }, MODELS.gptOss)).toEqual({
      variables: { reasoning_effort: "high" },
      reasoningBudget: 9,
    });
  });

  test("tells a template that reads it how many tokens there are", () => {
    const told = { variables: { thinking_budget: 512 }, reasoningBudget: 512 };
    expect(ask({ maxTokens: 512 }, MODELS.seedOss)).toEqual(told);
    expect(ask(false, MODELS.seedOss)).toEqual({ variables: { thinking_budget: 0 } });
    expect(ask(true, MODELS.seedOss)).toEqual({ variables: {} });
  });

  test("turns reasoning off in the template where that can, else in the engine; no tokens of it in both", () => {
    const off = { enable_thinking: false, thinking: false };
    expect(ask(false, MODELS.qwen3)).toEqual({ variables: off });
    expect(ask(false, MODELS.r1)).toEqual({ variables: {}, reasoningBudget: 0 });
    expect(ask(false, MODELS.gptOss)).toEqual({ variables: {}, reasoningBudget: 0 });
    expect(ask({ maxTokens: 0 }, MODELS.qwen3)).toEqual({ variables: off, reasoningBudget: 0 });
    expect(ask({ maxTokens: 0 }, MODELS.plain)).toEqual({ variables: {} });
  });

  test.each([
    ["to reason", true, MODELS.plain, "does not reason"],
    ["to reason by degrees", "low", MODELS.qwen3, "knows no degrees"],
    [
      "to reason by degrees within a limit",
      { maxTokens: 9, effort: "low" },
      MODELS.qwen3,
      "leave out its effort",
    ],
    ["to count tokens of reasoning", { maxTokens: 9 }, MODELS.plain, "does not reason"],
  ] as const)("is refused %s where the model cannot", (_, option, model, message) => {
    expect(() => variables(option, model)).toThrow(message);
  });
});
