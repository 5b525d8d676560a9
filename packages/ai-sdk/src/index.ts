export type {
  AbstractLLMEmbedOptions,
  AbstractLLMFileOptions,
  AbstractLLMOptions,
  AbstractLLMRerankOptions,
} from "./call/provider-options.ts";
export {
  type AbstractLLMProvider,
  type AbstractLLMSettings,
  createAbstractLLM,
  toEmbeddingModel,
  toLanguageModel,
  toRerankingModel,
} from "./provider/create-abstract-llm.ts";
