import {
  AuthenticationError,
  MemoryExceededError,
  ModelLoadingError,
  ModelNotFoundError,
  ProviderConnectionError,
} from "../../errors/index.ts";
import type { LoadedModelInfo } from "../../interface/loaded-model.ts";
import { importHub } from "./engine-package.ts";
import { EnginePool } from "./engine-pool.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { type LoadedEmbedder, type LoadedReranker, loadEmbedder, loadReranker } from "./load-reader.ts";
import { toLoadedModelInfo } from "./loaded-model-info.ts";
import { type Lease, type LoadContext, ModelCache } from "./model-cache.ts";
import { type ModelSource, sourceKey } from "./model-source.ts";

/** Models kept loaded unless `maxCachedModels` says otherwise: enough to switch, few enough for a laptop. */
const DEFAULT_CACHED_MODELS = 2;

/** Names of cached models an error lists. */
const MAX_LISTED = 10;

const engines = new EnginePool();
const cache = new ModelCache<LoadedModel>(DEFAULT_CACHED_MODELS);
/** Models that make vectors: small ones mostly, which are not to push out what writes text. */
const embedders = new ModelCache<LoadedEmbedder>(DEFAULT_CACHED_MODELS);

/** Likewise models that score documents. */
const rerankers = new ModelCache<LoadedReranker>(DEFAULT_CACHED_MODELS);

/** What a load gets to work with; when all room is wanted, idle models of other caches go as well. */
const clearing = (context: LoadContext, ...others: { clear(): Promise<void> }[]): LoadContext => ({
  ...context,
  makeRoom: async (all = false) => {
    await context.makeRoom(all);
    if (all) await Promise.all(others.map((other) => other.clear()));
  },
});

/** A model in use, and which of the models that were tried it is. */
export interface PooledModel extends Lease<LoadedModel> {
  readonly index: number;
  /** Why the models before it were passed over. */
  readonly warnings: readonly string[];
}

/**
 * Takes the first of several models that can be had, loading it where it is not loaded yet.
 *
 * @param holder - the instance that asks
 * @throws {AbstractLLMError} the one model's error, or `ModelLoadingError` naming every model that was tried
 */
export async function acquireModel(
  sources: readonly ModelSource[],
  holder: object,
  signal?: AbortSignal,
): Promise<PooledModel> {
  const failures: { name: string; error: Error }[] = [];
  for (const [index, source] of sources.entries()) {
    try {
      const lease = await cache.acquire(
        sourceKey(source),
        holder,
        (context) => loadModel(source, engines, clearing(context, embedders, rerankers)),
        signal,
      );
      const warnings = failures.map(({ name, error }) => `${name} was passed over: ${error.message}`);
      return { ...lease, index, warnings };
    } catch (error) {
      if (signal?.aborted || !isUnavailable(error)) throw error;
      failures.push({ name: source.name, error });
    }
  }
  throw await noModel(failures, sources[0]?.hub.cacheDir);
}

/**
 * Takes a model that makes vectors, loading it where it is not loaded yet. No other model stands in for it: vectors of
 * different models cannot be compared.
 *
 * @param holder - the instance that asks
 * @throws {AbstractLLMError} why it cannot be had
 */
export function acquireEmbedder(
  source: ModelSource,
  holder: object,
  signal?: AbortSignal,
): Promise<Lease<LoadedEmbedder>> {
  const load = (context: LoadContext) => loadEmbedder(source, engines, clearing(context, cache, rerankers));
  return embedders.acquire(sourceKey(source), holder, load, signal);
}

/**
 * Takes a model that scores documents, loading it where it is not loaded yet. No other model stands in for it: scores of
 * different models cannot be compared.
 *
 * @param holder - the instance that asks
 * @throws {AbstractLLMError} why it cannot be had
 */
export function acquireReranker(
  source: ModelSource,
  holder: object,
  signal?: AbortSignal,
): Promise<Lease<LoadedReranker>> {
  const load = (context: LoadContext) => loadReranker(source, engines, clearing(context, cache, embedders));
  return rerankers.acquire(sourceKey(source), holder, load, signal);
}

/** The models in memory that this instance used. */
export function loadedModels(holder: object): LoadedModelInfo[] {
  return [cache, embedders, rerankers].flatMap((models) =>
    models.heldBy(holder).map(({ name, model }) => toLoadedModelInfo(name, model.info)),
  );
}

/** Frees the models that only this instance used. */
export async function releaseModels(holder: object): Promise<void> {
  await Promise.all([cache, embedders, rerankers].map((models) => models.forget(holder)));
}

/** Sets how many models of each kind this process keeps loaded. */
export async function setCachedModels(limit: number): Promise<void> {
  await Promise.all([cache, embedders, rerankers].map((models) => models.setLimit(limit)));
}

/** Forgets a crashed engine with all its models; the next call starts anew. */
export async function dropEngine({ engine }: Pick<LoadedModel, "engine">): Promise<void> {
  await cache.drop((loaded) => loaded.engine === engine);
  await embedders.drop((loaded) => loaded.engine === engine);
  await rerankers.drop((loaded) => loaded.engine === engine);
  await engines.drop(engine);
}

/** Failures that another model may not share: it is not there, cannot be had, or does not fit. */
function isUnavailable(error: unknown): error is Error {
  return [ModelNotFoundError, AuthenticationError, ProviderConnectionError, MemoryExceededError].some(
    (known) => known.isInstance(error),
  );
}

async function noModel(
  failures: readonly { name: string; error: Error }[],
  cacheDir?: string,
): Promise<Error> {
  const listing = await listCached(cacheDir);
  const [only] = failures;
  if (failures.length === 1 && only !== undefined) {
    const { error } = only;
    if (!ModelNotFoundError.isInstance(error)) return error;
    const { provider, cause, details, reason } = error;
    return new ModelNotFoundError(error.modelName, {
      provider,
      cause,
      details,
      reason: `${reason} ${listing}`,
    });
  }
  const tried = failures.map(({ name, error }) => `${name} (${error.message})`).join("; ");
  return new ModelLoadingError(`No model could be loaded. Tried: ${tried}. ${listing}`, {
    provider: "mlx",
    modelName: only?.name,
    cause: new AggregateError(failures.map(({ error }) => error)),
    details: { tried: failures.map(({ name }) => name) },
  });
}

async function listCached(cacheDir: string | undefined): Promise<string> {
  const { cachedModels } = await importHub();
  const models = await cachedModels(cacheDir).catch(() => []);
  if (models.length === 0) return "The cache has no models.";
  const names = models.map(({ repo }) => repo);
  const more = names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : "";
  return `In the cache: ${names.slice(0, MAX_LISTED).join(", ")}${more}.`;
}
