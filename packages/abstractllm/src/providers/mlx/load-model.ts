import type { Engine, EngineModel, LoadRequest } from "@abstractllm/mlx";
import { fitModel } from "./check-memory.ts";
import type { EnginePool } from "./engine-pool.ts";
import { findAdapters } from "./find-adapters.ts";
import { findModel } from "./find-model.ts";
import { type LoadPlan, planLoad } from "./load-plan.ts";
import { mapMlxError } from "./map-error.ts";
import type { LoadContext } from "./model-cache.ts";
import { requireWriter } from "./model-facts.ts";
import { type ModelSource, OWN_DRAFTS } from "./model-source.ts";

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
    const draft = await findDraft(source, plan, signal);
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
        ...(draft === undefined ? {} : { draftModel: draft.options }),
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

/** What drafts for a model. */
interface FoundDraft {
  readonly options: NonNullable<LoadRequest["draftModel"]>;
  /** What its weights will take beside the model's. */
  readonly memoryBytes: number;
  readonly warnings: readonly string[];
}

/** @param plan - how the model itself will be loaded, whose files may hold what drafts for it */
async function findDraft(
  source: ModelSource,
  { quantize }: LoadPlan,
  signal: AbortSignal,
): Promise<FoundDraft | undefined> {
  const { draftModel } = source;
  if (draftModel === undefined) return undefined;
  if (draftModel === OWN_DRAFTS) return { options: { mtp: true, quantize }, memoryBytes: 0, warnings: [] };
  try {
    const { revision: _, ...hub } = source.hub; // of the other repository
    const { path, warnings } = await findModel({ name: draftModel, hub }, signal);
    const plan = await planLoad(path, source);
    return { options: { path, quantize: plan.quantize }, memoryBytes: plan.memoryBytes, warnings };
  } catch (error) {
    throw mapMlxError(error, draftModel);
  }
}
