import type { EmbeddingModelV3CallOptions, LanguageModelV3CallOptions } from "@ai-sdk/provider";
import type { ReasoningEffort } from "abstractllm";

/** A call of a language model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type CallOptions = LanguageModelV3CallOptions & {
  readonly reasoning?: ReasoningEffort | "provider-default";
};

/** A call of an embedding model: what version 3 of the specification has, and what AI SDK 7 adds to it. */
export type EmbedCallOptions = EmbeddingModelV3CallOptions & { readonly dimensions?: number };
