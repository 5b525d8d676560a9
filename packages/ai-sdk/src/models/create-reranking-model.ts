import type { RerankingModelV3, SharedV3Warning } from "@ai-sdk/provider";
import type { RerankCallOptions } from "../call/call-options.ts";
import { ownMetadata, rerankOptions } from "../call/provider-options.ts";
import { warnOfHeaders } from "../call/warn-of-headers.ts";
import { toWarnings, type Warn } from "../call/warnings.ts";
import { factsOf, type ModelSource } from "./model-source.ts";
import { withLLM } from "./with-llm.ts";

type Ranking = Awaited<ReturnType<RerankingModelV3["doRerank"]>>;

/** An LLM as a reranking model of the AI SDK: an object without `this`, because AI SDK 7 puts proxies around models. */
export function createRerankingModel(source: ModelSource): RerankingModelV3 {
  return { ...factsOf(source), doRerank: (options) => rerank(source, options) };
}

function rerank(source: ModelSource, call: RerankCallOptions): Promise<Ranking> {
  return withLLM(source, "rerankingModel", async (llm) => {
    const { query, documents, topN, abortSignal: signal, headers, providerOptions } = call;
    const warnings: SharedV3Warning[] = [];
    const warn: Warn = (warning) => warnings.push(warning);
    warnOfHeaders(headers, warn);
    const options = { topN, ...rerankOptions(providerOptions), signal };
    const answer = await llm.rerank(query, textsOf(documents, warn), options);
    const { results, usage, model, raw, warnings: own } = answer;
    return {
      ranking: results.map(({ index, score }) => ({ index, relevanceScore: score })),
      response: { modelId: model, body: raw },
      providerMetadata: ownMetadata({ usage, warnings: own }),
      warnings: [...warnings, ...toWarnings(own)],
    };
  });
}

/** What the model reads of the documents. */
function textsOf({ type, values }: RerankCallOptions["documents"], warn: Warn): string[] {
  if (type === "text") return values;
  const details = "Models read texts; these documents are read as JSON";
  warn({ type: "compatibility", feature: "object documents", details });
  return values.map((value) => JSON.stringify(value));
}
