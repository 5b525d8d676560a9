export type {
  AbstractLLMEmbedOptions,
  AbstractLLMFileOptions,
  AbstractLLMOptions,
} from "./call/provider-options.ts";
export {
  type AbstractLLMProvider,
  type AbstractLLMSettings,
  createAbstractLLM,
  toEmbeddingModel,
  toLanguageModel,
} from "./provider/create-abstract-llm.ts";
