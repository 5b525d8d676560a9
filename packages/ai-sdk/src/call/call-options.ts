import type { EmbeddingModelV3CallOptions, LanguageModelV3CallOptions } from "@ai-sdk/provider";

/** How much a model thinks, as AI SDK 7 says it. */
export type ReasoningEffort =
  | "provider-default"
  | "none"
  | "minimal"
  | "low"
  | "medium"
  | "high"
  | "xhigh"
  | "max";

/** A call of a language model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type CallOptions = LanguageModelV3CallOptions & { readonly reasoning?: ReasoningEffort };

/** A call of an embedding model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type EmbedCallOptions = EmbeddingModelV3CallOptions & { readonly dimensions?: number };
