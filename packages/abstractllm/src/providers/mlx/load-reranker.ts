import type { Engine, EngineReranker } from "@abstractllm/mlx";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { fitModel } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { findModel } from "./find-model.ts";
import { planLoad } from "./load-plan.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import { modelKind } from "./model-facts.ts";
import type { ModelSource } from "./model-source.ts";

/** A model that scores documents in its engine. */
export interface LoadedReranker {
  readonly name: string;
  readonly model: EngineReranker;
  readonly engine: Engine;
  readonly warnings: readonly string[];
  dispose(): Promise<void>;
}

/**
 * Finds or downloads a model that scores documents, makes room for it and loads it.
 *
 * @throws {UnsupportedFeatureError} `"rerank"` for a model that does something else
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export async function loadReranker(
  source: ModelSource,
  engines: EnginePool,
  context: LoadContext,
): Promise<LoadedReranker> {
  const { name, exact } = source;
  try {
    const { path, warnings } = await findModel(source, context.signal);
    const kind = await modelKind(name, path);
    if (kind === "text" || kind === "vectors") throw scoresNothing(name, kind);
    const { quantize, memoryBytes } = await planLoad(path, source);
    const engine = await engines.get(source.engine);
    await context.makeRoom();
    await fitModel(name, engine, memoryBytes, context);
    const model = await engine.loadReranker({ path, quantize, exact }, { signal: context.signal });
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

function scoresNothing(name: string, kind: "text" | "vectors"): UnsupportedFeatureError {
  const does = kind === "text" ? "writes text" : "makes vectors of texts";
  const message =
    `${name} ${does} and scores no documents; name a model that does with the option model, such as ` +
    "BAAI/bge-reranker-v2-m3 or Qwen/Qwen3-Reranker-0.6B";
  return new UnsupportedFeatureError("rerank", message, { provider: "mlx" });
}
