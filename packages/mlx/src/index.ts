/** `@abstractllm/mlx`: MLX models inside the Node process. */
export {
  type DenseSettings,
  type Embedder,
  type EmbeddingSettings,
  type Embeddings,
  type LoadEmbedderOptions,
  type LoadedEmbedder,
  loadEmbedder,
  seesBothWays,
} from "./embedding/index.ts";
export * from "./engine/index.ts";
export {
  ConfigError,
  HubError,
  ImageError,
  InvalidArgumentError,
  MlxError,
  type MlxErrorCode,
  type MlxErrorOptions,
  TemplateError,
  TokenizerError,
  WeightsError,
} from "./errors.ts";
export {
  type Adapter,
  type LoadedModel,
  type LoadModelOptions,
  loadAdapter,
  loadModel,
} from "./load/index.ts";
export { isSequenceClassifier } from "./models/is-sequence-classifier.ts";
export {
  type LoadedReranker,
  type LoadRerankerOptions,
  loadReranker,
  type Reranker,
  type RerankerSettings,
  type Scores,
} from "./reranking/index.ts";
