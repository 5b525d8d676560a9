/** Models that score documents, as goldens/reranking.json describes them. */
import type { RerankRequest } from "@abstractllm/mlx";
import { type FolderSource, writeEmbeddingFolder } from "./embedding-folder.ts";
import { readGolden } from "./golden.ts";

/** What one call gave in Python. */
interface RerankingRun {
  readonly name: string;
  readonly options: Omit<RerankRequest, "query" | "documents">;
  readonly scores: string;
}

/** A cross-encoder, or Qwen3-Reranker. */
export interface RerankingCase extends Omit<FolderSource, "dense"> {
  readonly runs: readonly RerankingRun[];
}

const golden = readGolden<{
  query: string;
  documents: readonly string[];
  cases: readonly RerankingCase[];
}>("reranking.json");

/** A query, its documents and, for each model, their scores. */
export const { query, documents, cases } = golden;

/** @throws {Error} where there is none */
export const caseNamed = (name: string): RerankingCase => {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`There is no case ${name}`);
  return found;
};

/** Writes a case's folder and gives its path. */
export const writeRerankerFolder = (
  given: RerankingCase,
  changes: Parameters<typeof writeEmbeddingFolder>[1] = {},
): string => writeEmbeddingFolder({ ...given, dense: {} }, changes);
