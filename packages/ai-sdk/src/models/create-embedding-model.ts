import type { EmbeddingModelV3, EmbeddingModelV3Result, SharedV3Warning } from "@ai-sdk/provider";
import type { EmbedCallOptions } from "../call/call-options.ts";
import { embedOptions } from "../call/provider-options.ts";
import { warnOfHeaders } from "../call/warn-of-headers.ts";
import { toWarnings } from "../call/warnings.ts";
import { factsOf, type ModelSource } from "./model-source.ts";
import { withLLM } from "./with-llm.ts";

/** An LLM as an embedding model of the AI SDK: an object without `this`, because AI SDK 7 puts proxies around models. */
export function createEmbeddingModel(source: ModelSource): EmbeddingModelV3 {
  return {
    ...factsOf(source),
    maxEmbeddingsPerCall: 2048, // the most that OpenAI takes, and a request of reasonable size for others
    supportsParallelCalls: true,
    doEmbed: (options) => embed(source, options),
  };
}

function embed(source: ModelSource, call: EmbedCallOptions): Promise<EmbeddingModelV3Result> {
  return withLLM(source, "embeddingModel", async (llm) => {
    const { values, dimensions, abortSignal: signal, headers, providerOptions } = call;
    const warnings: SharedV3Warning[] = [];
    warnOfHeaders(headers, (warning) => warnings.push(warning));
    const model = llm.getParam("model"); // without it, providers take their usual model for embeddings
    const options = { model, dimensions, ...embedOptions(providerOptions), signal };
    const { embeddings, usage, raw, warnings: own } = await llm.embed(values, options);
    return {
      embeddings: embeddings.map((vector) => [...vector]),
      usage: { tokens: usage.inputTokens },
      response: { body: raw },
      warnings: [...warnings, ...toWarnings(own)],
    };
  });
}
