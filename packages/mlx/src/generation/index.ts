/** Prompts to answers. */
export type { TextModel } from "./answer.ts";
export { checkMaxBatchSize, kvQuantization } from "./check-request.ts";
export { ImageStore } from "./image-store.ts";
export { PromptMaker } from "./prompt-maker.ts";
export { TextScheduler } from "./text-scheduler.ts";
