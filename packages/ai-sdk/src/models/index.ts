export { createEmbeddingModel } from "./create-embedding-model.ts";
export { createLanguageModel } from "./create-language-model.ts";
export { createRerankingModel } from "./create-reranking-model.ts";
export type { ModelSource } from "./model-source.ts";
