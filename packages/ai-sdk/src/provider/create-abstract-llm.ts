import {
  type EmbeddingModelV3,
  InvalidArgumentError,
  type LanguageModelV3,
  NoSuchModelError,
  type ProviderV3,
  type RerankingModelV3,
} from "@ai-sdk/provider";
import type { AbstractLLM, LLMConfig, ProviderName } from "abstractllm";
import {
  createEmbeddingModel,
  createLanguageModel,
  createRerankingModel,
  type ModelSource,
} from "../models/index.ts";
import { LLMPool } from "./llm-pool.ts";

/** A provider of the AI SDK whose models one provider of AbstractLLM runs. Made by `createAbstractLLM`. */
export interface AbstractLLMProvider extends ProviderV3, AsyncDisposable {
  /** The same as `languageModel(modelId)`. */
  (modelId: string): LanguageModelV3;
  /** The same as `embeddingModel(modelId)`. */
  textEmbeddingModel(modelId: string): EmbeddingModelV3;
  rerankingModel(modelId: string): RerankingModelV3;
  /** Gives the models that were used back. The next call loads its model again. */
  close(): Promise<void>;
}

/** What `createAbstractLLM` takes: the configuration of `createLLM`, without the model, which calls name. */
export type AbstractLLMSettings = Omit<LLMConfig, "model">;

/**
 * Makes a provider of the AI SDK from a provider of AbstractLLM. Nothing is imported, checked or loaded before a model is
 * first used; each model is opened once, and all that run in this process share one engine.
 *
 * @param provider - as for `createLLM`: `"mlx"`, `"openai"`, `"anthropic"`, `"ollama"`, …
 * @param settings - of every model and call; `maxRetries` is 0 unless it is set, because the AI SDK repeats calls itself
 * @throws {InvalidArgumentError} where the settings name a model
 * @example
 * await using mlx = createAbstractLLM("mlx");
 * const { text } = await generateText({ model: mlx("mlx-community/Qwen3-4B-4bit"), prompt: "Why is the sky blue?" });
 */
export function createAbstractLLM(
  provider: ProviderName,
  settings: AbstractLLMSettings = {},
): AbstractLLMProvider {
  if ("model" in settings) {
    const message = "The model belongs to the call: createAbstractLLM(provider, settings)(model)";
    throw new InvalidArgumentError({ argument: "model", message });
  }
  const pool = new LLMPool(provider, settings);
  const sourceOf = (modelId: string): ModelSource => ({ provider, modelId, open: () => pool.open(modelId) });
  const languageModel = (modelId: string) => createLanguageModel(sourceOf(modelId));
  const embeddingModel = (modelId: string) => createEmbeddingModel(sourceOf(modelId));
  const close = () => pool.close();
  return Object.assign((modelId: string) => languageModel(modelId), {
    specificationVersion: "v3" as const,
    languageModel,
    embeddingModel,
    textEmbeddingModel: embeddingModel,
    rerankingModel: (modelId: string) => createRerankingModel(sourceOf(modelId)),
    imageModel(modelId: string): never {
      throw new NoSuchModelError({ modelId, modelType: "imageModel" });
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}

/**
 * Any LLM of AbstractLLM as a language model of the AI SDK: a chain of several, one with hooks, one of your own.
 *
 * @param llm - stays yours to configure and to unload
 * @throws {InvalidArgumentError} for what is no LLM
 * @example
 * const chain = await createFallbackChain([["mlx", { model }], ["openai", { model: "gpt-4o" }]]);
 * const { text } = await generateText({ model: toLanguageModel(chain), prompt: "Why is the sky blue?" });
 */
export function toLanguageModel(llm: AbstractLLM): LanguageModelV3 {
  return createLanguageModel(given(llm));
}

/**
 * Any LLM of AbstractLLM as an embedding model of the AI SDK.
 *
 * @param llm - stays yours to configure and to unload
 * @throws {InvalidArgumentError} for what is no LLM
 * @example
 * const model = toEmbeddingModel(await createLLM("openai", { model: "text-embedding-3-small" }));
 * const { embedding } = await embed({ model, value: "A small town" });
 */
export function toEmbeddingModel(llm: AbstractLLM): EmbeddingModelV3 {
  return createEmbeddingModel(given(llm));
}

/**
 * Any LLM of AbstractLLM as a reranking model of the AI SDK.
 *
 * @param llm - stays yours to configure and to unload
 * @throws {InvalidArgumentError} for what is no LLM
 * @example
 * const model = toRerankingModel(await createLLM("mlx", { model: "BAAI/bge-reranker-v2-m3" }));
 * const { rerankedDocuments } = await rerank({ model, query: "Where does water go?", documents });
 */
export function toRerankingModel(llm: AbstractLLM): RerankingModelV3 {
  return createRerankingModel(given(llm));
}

function given(llm: AbstractLLM): ModelSource {
  if (typeof llm?.generate !== "function") {
    const message = "Expected an LLM, as createLLM gives one; await it first where it is a promise";
    throw new InvalidArgumentError({ argument: "llm", message });
  }
  return { provider: llm.provider, modelId: llm.getParam("model", "default"), open: async () => llm };
}
