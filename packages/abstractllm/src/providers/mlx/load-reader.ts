/** Models that read texts and write none: those that make vectors, and those that score documents. */
import type { Engine, EngineEmbedder, EngineReranker } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { fitModel } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { findModel } from "./find-model.ts";
import { type LoadPlan, planLoad } from "./load-plan.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import { type ModelKind, modelKind } from "./model-facts.ts";
import type { ModelSource } from "./model-source.ts";

type Reader = EngineEmbedder | EngineReranker;

/** A model in its engine. */
interface LoadedReader<Model extends Reader> {
  readonly name: string;
  readonly model: Model;
  readonly engine: Engine;
  readonly warnings: readonly string[];
  dispose(): Promise<void>;
}

/** A model that makes vectors in its engine. */
export type LoadedEmbedder = LoadedReader<EngineEmbedder>;
/** A model that scores documents in its engine. */
export type LoadedReranker = LoadedReader<EngineReranker>;

const DOES: Readonly<Record<ModelKind, string>> = {
  text: "writes text",
  vectors: "makes vectors of texts",
  scores: "scores documents",
};

/** What a model is loaded for. */
interface Task<Model extends Reader> {
  readonly kind: ModelKind;
  /** Of the error for a model that does something else. */
  readonly feature: "embeddings" | "rerank";
  readonly lacks: string;
  readonly examples: string;
  load(
    engine: Engine,
    request: { path: string; quantize: LoadPlan["quantize"]; exact: ModelSource["exact"] },
    options: { signal: LoadContext["signal"] },
  ): Promise<Model>;
}

const embedding: Task<EngineEmbedder> = {
  kind: "vectors",
  feature: "embeddings",
  lacks: "makes no vectors of texts",
  examples: "BAAI/bge-small-en-v1.5 or Qwen/Qwen3-Embedding-0.6B",
  load: (engine, request, options) => engine.loadEmbedder(request, options),
};

const reranking: Task<EngineReranker> = {
  kind: "scores",
  feature: "rerank",
  lacks: "scores no documents",
  examples: "BAAI/bge-reranker-v2-m3 or Qwen/Qwen3-Reranker-0.6B",
  load: (engine, request, options) => engine.loadReranker(request, options),
};

/** Finds or downloads a model, makes room for it and loads it. */
const loadFor =
  <Model extends Reader>(task: Task<Model>) =>
  async (source: ModelSource, engines: EnginePool, context: LoadContext): Promise<LoadedReader<Model>> => {
    const { name, exact } = source;
    try {
      const { path, warnings } = await findModel(source, context.signal);
      const kind = await modelKind(name, path);
      if (kind !== undefined && kind !== task.kind) throw doesOther(name, kind, task);
      const { quantize, memoryBytes } = await planLoad(path, source);
      const engine = await engines.get(source.engine);
      await context.makeRoom();
      await fitModel(name, engine, memoryBytes, context);
      const model = await task.load(engine, { path, quantize, exact }, { signal: context.signal });
      const all = [...warnings, ...model.info.warnings];
      return { name, model, engine, warnings: all, dispose: () => model.dispose() };
    } catch (error) {
      throw mapMlxError(error, name);
    }
  };

const doesOther = (
  name: string,
  kind: ModelKind,
  { feature, lacks, examples }: Pick<Task<Reader>, "feature" | "lacks" | "examples">,
): UnsupportedFeatureError => {
  const message = `${name} ${DOES[kind]} and ${lacks}; name a model that does with the option model, such as ${examples}`;
  return new UnsupportedFeatureError(feature, message, { provider: "mlx" });
};

/**
 * Loads a model that makes vectors.
 *
 * @throws {UnsupportedFeatureError} `"embeddings"` for a model that does something else
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export const loadEmbedder = loadFor(embedding);

/**
 * Loads a model that scores documents.
 *
 * @throws {UnsupportedFeatureError} `"rerank"` for a model that does something else
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export const loadReranker = loadFor(reranking);
