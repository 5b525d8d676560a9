/** `@abstractllm/mlx/engine`: models behind a thread or process of their own. */

export type { EmbedRequest, InputType, PoolingMode } from "../embedding/index.ts";
export type { RerankRequest, ScoreActivation } from "../reranking/index.ts";
export { startEngine } from "./client.ts";
export type { Constraint, Grammar, HeldPart } from "./constraint.ts";
export { detectRuntime } from "./detect-runtime.ts";
export type {
  AdapterChoice,
  AdapterPart,
  ChatMessage,
  DeviceChoice,
  EmbedderInfo,
  EmbedResult,
  Engine,
  EngineEmbedder,
  EngineModel,
  EngineOptions,
  EngineReranker,
  FinishReason,
  GenerateRequest,
  GenerationPart,
  LoadEmbedderRequest,
  LoadRequest,
  LoadRerankerRequest,
  MessagePart,
  ModelInfo,
  PromptTokenLogprob,
  QuantizeOptions,
  RerankerInfo,
  RerankResult,
  RuntimeInfo,
  SamplingOptions,
  Timings,
  TokenLogprob,
  TokenWithLogprob,
  Usage,
} from "./types.ts";
