import type { RerankOptions, RerankResponse } from "abstractllm";
import {
  either,
  flag,
  HARMLESS,
  type JsonObject,
  listOf,
  nonEmptyText,
  object,
  positiveInteger,
  readFields,
  required,
} from "../fields/index.ts";

/** What becomes of each field of `/v1/rerank`, in the form that Jina, Cohere, vLLM and llama.cpp share. */
const FIELDS = {
  model: required(nonEmptyText),
  query: required(nonEmptyText),
  documents: required(listOf(either(nonEmptyText, object))),
  top_n: positiveInteger,
  return_documents: flag,
  // of this server
  instruction: nonEmptyText,
  truncate: flag,
  user: HARMLESS,
} as const;

/** Documents may be objects with their text. */
const DOCUMENT = { text: required(nonEmptyText) } as const;

/** A request for scores. */
export interface RerankRequest {
  /** The model as the client calls it. */
  readonly model: string;
  readonly query: string;
  readonly documents: readonly string[];
  readonly options: Pick<RerankOptions, "topN" | "instruction" | "truncate">;
  readonly returnsDocuments: boolean;
}

/** Reads the body of `/v1/rerank`. @throws {RequestProblem} naming the field */
export function readRerank(body: unknown): RerankRequest {
  const { model, query, documents, top_n, return_documents, instruction, truncate } = readFields(
    body,
    FIELDS,
  );
  return {
    model,
    query,
    documents: documents.map(textOf),
    options: {
      ...(top_n === undefined ? {} : { topN: top_n }),
      ...(instruction === undefined ? {} : { instruction }),
      ...(truncate === undefined ? {} : { truncate }),
    },
    returnsDocuments: return_documents === true,
  };
}

function textOf(document: string | JsonObject, index: number): string {
  return typeof document === "string" ? document : readFields(document, DOCUMENT, `documents.${index}`).text;
}

/** An answer of `/v1/rerank`. */
export function writeRerank({ results, usage }: RerankResponse, request: RerankRequest): object {
  const { inputTokens } = usage;
  return {
    model: request.model,
    results: results.map(({ index, score, document }) => ({
      index,
      relevance_score: score,
      ...(request.returnsDocuments ? { document: { text: document } } : {}),
    })),
    usage: { prompt_tokens: inputTokens, total_tokens: inputTokens },
  };
}
