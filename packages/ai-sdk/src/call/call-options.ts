import type {
  EmbeddingModelV3CallOptions,
  LanguageModelV3CallOptions,
  RerankingModelV3CallOptions,
} from "@ai-sdk/provider";
import type { EmbeddingModelV4CallOptions, LanguageModelV4CallOptions } from "@ai-sdk/provider-4";
import type { GivenMessage } from "../prompt/index.ts";

/** A call of a language model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type CallOptions = Omit<LanguageModelV3CallOptions, "prompt"> &
  Pick<LanguageModelV4CallOptions, "reasoning"> & { readonly prompt: readonly GivenMessage[] };

/** A call of an embedding model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type EmbedCallOptions = EmbeddingModelV3CallOptions & Pick<EmbeddingModelV4CallOptions, "dimensions">;

/** A call of a reranking model, to which AI SDK 7 adds nothing. */
export type RerankCallOptions = RerankingModelV3CallOptions;
