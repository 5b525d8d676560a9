import type { Engine, EngineEmbedder } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { fitModel } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { findModel } from "./find-model.ts";
import { planLoad } from "./load-plan.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import { modelKind } from "./model-facts.ts";
import type { ModelSource } from "./model-source.ts";

/** A model that makes vectors in its engine. */
export interface LoadedEmbedder {
  readonly name: string;
  readonly model: EngineEmbedder;
  readonly engine: Engine;
  readonly warnings: readonly string[];
  dispose(): Promise<void>;
}

/**
 * Finds or downloads a model that makes vectors, makes room for it and loads it.
 *
 * @throws {UnsupportedFeatureError} `"embeddings"` for a model that does something else
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export async function loadEmbedder(
  source: ModelSource,
  engines: EnginePool,
  context: LoadContext,
): Promise<LoadedEmbedder> {
  const { name, exact } = source;
  try {
    const { path, warnings } = await findModel(source, context.signal);
    const kind = await modelKind(name, path);
    if (kind === "text" || kind === "scores") throw makesNoVectors(name, kind);
    const { quantize, memoryBytes } = await planLoad(path, source);
    const engine = await engines.get(source.engine);
    await context.makeRoom();
    await fitModel(name, engine, memoryBytes, context);
    const model = await engine.loadEmbedder({ path, quantize, exact }, { signal: context.signal });
    return {
      name,
      model,
      engine,
      warnings: [...warnings, ...model.info.warnings],
      dispose: () => model.dispose(),
    };
  } catch (error) {
    throw mapMlxError(error, name);
  }
}

function makesNoVectors(name: string, kind: "text" | "scores"): UnsupportedFeatureError {
  const does = kind === "text" ? "writes text" : "scores documents";
  const message =
    `${name} ${does} and makes no vectors of texts; name a model that does with the option model, such as ` +
    "BAAI/bge-small-en-v1.5 or Qwen/Qwen3-Embedding-0.6B";
  return new UnsupportedFeatureError("embeddings", message, { provider: "mlx" });
}
