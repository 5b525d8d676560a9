/** Options of one call of `rerank`. */
export interface RerankOptions {
  /** Name of the model that scores the documents. Default: the configured model. */
  model?: string | undefined;
  /** Most results, the best ones. Default: all documents. */
  topN?: number | undefined;
  /**
   * What the query asks for, in a sentence, for models that follow instructions (Qwen3-Reranker). mlx alone; others refuse
   * it. Default: what the model's files say, or that passages are wanted which answer a web search.
   */
  instruction?: string | undefined;
  /**
   * Whether the end of a document that is too long beside the query is left out. Default false: such a document is an error.
   * mlx alone; others refuse true.
   */
  truncate?: boolean | undefined;
  /** Aborting it ends the call, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Most milliseconds the call may take. Default: the configured `timeout`. */
  timeout?: number | undefined;
}

/** A document with its score. */
export interface RerankResult {
  /** Where it was among the documents that were given. */
  index: number;
  /** Higher for better. Of which range is the model's affair: probabilities with some, any numbers with others. */
  score: number;
  document: string;
}

/** Documents by how well they answer a query. */
export interface RerankResponse {
  /** The best first; of equal ones the one that was given first. */
  results: readonly RerankResult[];
  /** Tokens that the model read, the query once for each document; 0 where a service does not say. */
  usage: { inputTokens: number };
  /** The model that scored them. */
  model: string;
  provider: string;
  /** What was done otherwise than asked, or decided for the user. */
  warnings: readonly string[];
  /** The provider's message as it came. */
  raw: unknown;
}

/** What a provider makes of documents, in any order; warnings where it has any. */
export type ProviderScores = Omit<RerankResponse, "provider" | "warnings" | "results"> &
  Partial<Pick<RerankResponse, "warnings">> & {
    readonly scores: readonly Pick<RerankResult, "index" | "score">[];
  };
