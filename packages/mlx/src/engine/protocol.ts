/** Messages between an engine's client and its host. All of it survives structured cloning. */
import type { Embeddings, EmbedRequest } from "../embedding/index.ts";
import type { MlxErrorCode } from "../errors.ts";
import type { RerankRequest, Scores } from "../reranking/index.ts";
import type {
  EmbedderInfo,
  EngineOptions,
  GenerateRequest,
  GenerationPart,
  LoadEmbedderRequest,
  LoadRequest,
  LoadRerankerRequest,
  ModelInfo,
  RerankerInfo,
} from "./types.ts";

type TokenizeRequest = Pick<GenerateRequest, "prompt" | "images" | "templateVariables" | "tools">;

export interface MemoryReport {
  activeBytes: number;
  cacheBytes: number;
  peakBytes: number;
}

/** What a client asks, each under an id of its own. */
export type HostRequest =
  | { type: "start"; options: Omit<EngineOptions, "isolation"> }
  | { type: "load"; request: LoadRequest }
  | { type: "load-embedder"; request: LoadEmbedderRequest }
  | { type: "load-reranker"; request: LoadRerankerRequest }
  | { type: "unload"; modelId: number }
  | { type: "generate"; modelId: number; request: GenerateRequest }
  | { type: "embed"; modelId: number; request: EmbedRequest }
  | { type: "rerank"; modelId: number; request: RerankRequest }
  | { type: "tokenize"; modelId: number; request: TokenizeRequest }
  | { type: "memory" }
  | { type: "shutdown" };

export type ToHost = { id: number; body: HostRequest } | { id: number; body: { type: "abort" } };

export type HostReply =
  | { device: "cpu" | "gpu" }
  | { modelId: number; info: ModelInfo }
  | { modelId: number; embedder: EmbedderInfo }
  | { modelId: number; reranker: RerankerInfo }
  | Embeddings
  | Scores
  | number[]
  | MemoryReport
  | null;

/** An error as data. */
export interface ErrorData {
  code: MlxErrorCode;
  message: string;
  stack: string;
  details: Readonly<Record<string, unknown>>;
}

/** What the host says about the request of the same id: any number of parts, then a reply or a failure. */
export type FromHost =
  | { id: number; type: "part"; part: GenerationPart }
  | { id: number; type: "reply"; value: HostReply }
  | { id: number; type: "failure"; error: ErrorData };
