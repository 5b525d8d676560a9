/** From files and texts to vectors. */

export type { PoolingMode } from "../blocks/pooling.ts";
export type { Embeddings, EmbedRequest } from "./embed-request.ts";
export type { Embedder } from "./embedder.ts";
export type { DenseSettings, EmbeddingSettings } from "./embedding-settings.ts";
export type { LoadEmbedderOptions, LoadedEmbedder } from "./load-embedder.ts";
export { loadEmbedder } from "./load-source.ts";
export { seesBothWays } from "./sees-both-ways.ts";
export type { InputType } from "./text-prompts.ts";
