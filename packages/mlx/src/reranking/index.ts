/** From files and a query with its documents to scores. */
export type { LoadedReranker, LoadRerankerOptions } from "./load-reranker.ts";
export { loadReranker } from "./load-source.ts";
export type { RerankRequest, Scores } from "./rerank-request.ts";
export type { Reranker } from "./reranker.ts";
export type { RerankerSettings, ScoreActivation } from "./reranker-settings.ts";
