/** Prompts to answers. */

export {
  checkMaxBatchSize,
  checkPromptBits,
  checkPromptCache,
  kvQuantization,
} from "./check-request.ts";
export { ImageStore } from "./image-store.ts";
export { ModelAdapters } from "./model-adapters.ts";
export { PrefixCache } from "./prefix-cache.ts";
export { PrefixFolder, preparePrefixFolder } from "./prefix-folder/index.ts";
export { PromptMaker } from "./prompt-maker.ts";
export { ReasoningWatch, reasoningFormat } from "./reasoning/index.ts";
export type { DraftModel, OwnPredictor, TextModel } from "./text-model.ts";
export { TextScheduler } from "./text-scheduler.ts";
