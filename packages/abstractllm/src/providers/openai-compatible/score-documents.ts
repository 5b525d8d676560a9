import { ProviderAPIError } from "../../errors/index.ts";
import type { ProviderScores, RerankOptions } from "../../interface/rerank.ts";
import { asArray, asCount, asRecord, asText, type RemoteClient } from "../remote/index.ts";

/**
 * Asks `/rerank` for scores, in the form that Jina, Cohere, vLLM and llama.cpp share.
 *
 * @throws {ProviderAPIError} for an answer without scores of these documents
 */
export async function scoreDocuments(
  client: RemoteClient,
  { model, provider }: { readonly model: string; readonly provider: string },
  { query, documents }: { readonly query: string; readonly documents: readonly string[] },
  { topN }: RerankOptions,
): Promise<ProviderScores> {
  const limit = topN === undefined ? {} : { top_n: topN };
  const answer = asRecord(await client.postJson("/rerank", { model, query, documents, ...limit }));
  const scores = asArray(answer.results).map((entry) => {
    const { index, relevance_score: score } = asRecord(entry);
    const isKnown = typeof index === "number" && documents[index] !== undefined;
    if (!isKnown || typeof score !== "number") throw notScores(provider);
    return { index, score };
  });
  if (scores.length === 0) throw notScores(provider);
  const { prompt_tokens, total_tokens } = asRecord(answer.usage);
  return {
    scores,
    usage: { inputTokens: asCount(prompt_tokens ?? total_tokens) },
    model: asText(answer.model) || model,
    raw: answer,
  };
}

function notScores(provider: string): ProviderAPIError {
  const message =
    "The server's answer has no results with the index and relevance_score of the documents; it may not know /rerank";
  return new ProviderAPIError(message, { provider });
}
