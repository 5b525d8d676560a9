import type { EmbeddingModelV3, EmbeddingModelV3Result, SharedV3Warning } from "@ai-sdk/provider";
import type { EmbedCallOptions } from "../call/call-options.ts";
import { embedOptions } from "../call/provider-options.ts";
import { warnOfHeaders } from "../call/warn-of-headers.ts";
import { Model } from "./model.ts";

/** An LLM as an embedding model of the AI SDK. */
export class EmbeddingModel extends Model implements EmbeddingModelV3 {
  /** The most that OpenAI takes, and a request of reasonable size for others. */
  readonly maxEmbeddingsPerCall = 2048;
  readonly supportsParallelCalls = true;
  protected readonly modelType = "embeddingModel";

  doEmbed(call: EmbedCallOptions): Promise<EmbeddingModelV3Result> {
    return this.withLLM(async (llm) => {
      const { values, dimensions, abortSignal: signal, headers, providerOptions } = call;
      const warnings: SharedV3Warning[] = [];
      warnOfHeaders(headers, (warning) => warnings.push(warning));
      const model = llm.getParam("model"); // without it, providers take their usual model for embeddings
      const { embeddings, usage, raw } = await llm.embed(values, {
        model,
        dimensions,
        ...embedOptions(providerOptions),
        signal,
      });
      return {
        embeddings: embeddings.map((vector) => [...vector]),
        usage: { tokens: usage.inputTokens },
        response: { body: raw },
        warnings,
      };
    });
  }
}
