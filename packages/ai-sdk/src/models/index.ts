export { EmbeddingModel } from "./embedding-model.ts";
export { LanguageModel } from "./language-model.ts";
export type { ModelSource } from "./model.ts";
