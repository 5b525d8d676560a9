import type { ProviderScores, RerankResult } from "../interface/rerank.ts";

/** Documents with their scores, the best first; of equal ones the one that was given first. */
export function rankDocuments(
  documents: readonly string[],
  scores: ProviderScores["scores"],
  topN: number = documents.length,
): RerankResult[] {
  return scores
    .flatMap(({ index, score }) => {
      const document = documents[index];
      return document === undefined ? [] : [{ index, score, document }];
    })
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, topN);
}
