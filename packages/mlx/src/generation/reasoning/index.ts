/** How much an answer reasons. */
export { checkBudget, openBudget } from "./open-budget.ts";
export type { ReasoningBudget } from "./reasoning-budget.ts";
export { type ReasoningFormat, reasoningFormat } from "./reasoning-format.ts";
export { ReasoningWatch } from "./reasoning-watch.ts";
