import type { Engine, EngineModel } from "@abstractllm/mlx";
import { fitModel } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { findAdapters } from "./find-adapters.ts";
import { findModel } from "./find-model.ts";
import { planLoad } from "./load-plan.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import { requireWriter } from "./model-facts.ts";
import type { ModelSource } from "./model-source.ts";

/** A model in its engine, and what was done to get it there. */
export interface LoadedModel {
  readonly name: string;
  readonly model: EngineModel;
  readonly engine: Engine;
  /** Fallbacks taken while loading. */
  readonly warnings: readonly string[];
  dispose(): Promise<void>;
}

/**
 * Finds or downloads a model, makes room for it and loads it.
 *
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export async function loadModel(
  source: ModelSource,
  engines: EnginePool,
  context: LoadContext,
): Promise<LoadedModel> {
  try {
    const { signal } = context;
    const { path, warnings } = await findModel(source, signal);
    await requireWriter(source.name, path);
    const plan = await planLoad(path, source);
    const draft = await findDraft(source, signal);
    const adapters = await findAdapters(source, signal);
    const engine = await engines.get(source.engine);
    await context.makeRoom();
    const memoryBytes = plan.memoryBytes + (draft?.memoryBytes ?? 0) + adapters.memoryBytes;
    await fitModel(source.name, engine, memoryBytes, context);
    const { exact, promptBits, maxBatchSize, promptCache, kv } = source;
    const model = await engine.load(
      {
        path,
        quantize: plan.quantize,
        exact,
        ...kv,
        ...promptCache,
        ...adapters.options,
        ...(promptBits === undefined ? {} : { promptBits }),
        ...(maxBatchSize === undefined ? {} : { maxBatchSize }),
        ...(draft === undefined ? {} : { draftModel: { path: draft.path, quantize: draft.quantize } }),
      },
      { signal },
    );
    return {
      name: source.name,
      model,
      engine,
      warnings: [...warnings, ...(draft?.warnings ?? []), ...adapters.warnings, ...model.info.warnings],
      dispose: () => model.dispose(),
    };
  } catch (error) {
    throw mapMlxError(error, source.name);
  }
}

/** The draft model's files, and what its weights will take. */
async function findDraft(source: ModelSource, signal: AbortSignal) {
  const { draftModel } = source;
  if (draftModel === undefined) return undefined;
  try {
    const { revision: _, ...hub } = source.hub; // of the other repository
    const { path, warnings } = await findModel({ name: draftModel, hub }, signal);
    return { path, warnings, ...(await planLoad(path, source)) };
  } catch (error) {
    throw mapMlxError(error, draftModel);
  }
}
