/** Prompts to answers. */
export type { TextModel } from "./answer.ts";
export { checkMaxBatchSize } from "./check-request.ts";
export { promptTokens } from "./prompt-tokens.ts";
export { TextScheduler } from "./text-scheduler.ts";
