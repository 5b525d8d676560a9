import type { Attributes } from "@opentelemetry/api";
import { AbstractLLMError } from "../errors/index.ts";
import type { EmbedResponse } from "../interface/embed.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { RerankResponse } from "../interface/rerank.ts";
import type { CallStart } from "./with-hooks.ts";

/** Names of operations and attributes in the GenAI semantic conventions of OpenTelemetry, which have none for reranking. */
const OPERATIONS = { generate: "chat", embed: "embeddings", rerank: "rerank" } as const;

/** Name of the span of a call. */
export function spanName({ operation, model }: CallStart): string {
  return model === undefined ? OPERATIONS[operation] : `${OPERATIONS[operation]} ${model}`;
}

/** What is known of a call when it begins. `undefined` values are left out by OpenTelemetry. */
export function requestAttributes(call: CallStart): Attributes {
  const common: Attributes = {
    "gen_ai.operation.name": OPERATIONS[call.operation],
    "gen_ai.provider.name": call.provider,
    "gen_ai.request.model": call.model,
  };
  if (call.operation === "embed") {
    return { ...common, "gen_ai.embeddings.dimension.count": call.options.dimensions };
  }
  if (call.operation === "rerank") return common;
  const { options } = call;
  const stop = typeof options.stop === "string" ? [options.stop] : options.stop;
  return {
    ...common,
    "gen_ai.request.temperature": options.temperature,
    "gen_ai.request.max_tokens": options.maxTokens ?? options.maxOutputTokens,
    "gen_ai.request.top_p": options.topP,
    "gen_ai.request.top_k": options.topK,
    "gen_ai.request.frequency_penalty": options.frequencyPenalty,
    "gen_ai.request.presence_penalty": options.presencePenalty,
    "gen_ai.request.seed": options.seed,
    "gen_ai.request.stop_sequences": stop === undefined ? undefined : [...stop],
    "gen_ai.output.type": options.schema === undefined ? "text" : "json",
  };
}

/** What is known of a call when it has an answer. */
export function responseAttributes(response: GenerateResponse | EmbedResponse | RerankResponse): Attributes {
  const common: Attributes = {
    "gen_ai.response.model": response.model,
    "gen_ai.usage.input_tokens": response.usage.inputTokens,
  };
  if (!("finishReason" in response)) return common;
  return {
    ...common,
    "gen_ai.usage.output_tokens": response.usage.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": response.usage.cachedInputTokens,
    "gen_ai.response.finish_reasons": [response.finishReason],
  };
}

/** The kind of an error: a code of AbstractLLM's, else its name. */
export function errorType(error: unknown): string {
  if (AbstractLLMError.isInstance(error)) return error.code;
  return error instanceof Error ? error.name : "_OTHER";
}
