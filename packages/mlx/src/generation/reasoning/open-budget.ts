import type { GenerateRequest } from "../../engine/types.ts";
import { MlxError } from "../../errors.ts";
import { ReasoningBudget } from "./reasoning-budget.ts";
import { LAST_WORDS, type ReasoningFormat } from "./reasoning-format.ts";

/** A model, by how it reasons. */
interface Reasoner {
  readonly reasoning?: ReasoningFormat | undefined;
}

/** @throws {MlxError} `unsupported-feature` for a budget of reasoning that the model has no marks for */
export const checkBudget = (
  { reasoningBudget }: Pick<GenerateRequest, "reasoningBudget">,
  { reasoning }: Reasoner,
): void => {
  if (reasoningBudget === undefined || reasoning !== undefined) return;
  const message = "The model has no marks of reasoning, so it cannot be limited: leave reasoningBudget out";
  throw new MlxError("unsupported-feature", message, { details: { feature: "reasoningBudget" } });
};

/** The budget of one request; undefined where it has none, or none that it could use up. */
export const openBudget = (
  { reasoningBudget: limit, maxTokens, stop = [] }: GenerateRequest,
  { reasoning }: Reasoner,
  prompt: readonly number[],
): ReasoningBudget | undefined => {
  if (limit === undefined || reasoning === undefined || limit >= maxTokens) return undefined;
  // what is put into the model's mouth ends no answer
  const hasLastWords = !stop.some((text) => LAST_WORDS.includes(text));
  return new ReasoningBudget(reasoning, prompt, { limit, hasLastWords });
};
