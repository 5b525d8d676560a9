import type { QuantizeOptions } from "@abstractllm/mlx";
import type { Options } from "../../config/option-table.ts";
import { InvalidParameterError } from "../../errors/index.ts";
import type { DownloadProgress } from "../../interface/llm-config.ts";
import type { EngineKind } from "./engine-pool.ts";

/** Stands for the layers among a model's own weights that predict tokens. */
export const OWN_DRAFTS = "mtp";

/** A model with everything that decides how it is loaded. */
export interface ModelSource {
  /** Repository, folder or `.gguf` file, as the user named it. */
  readonly name: string;
  readonly quantize: boolean | QuantizeOptions;
  readonly exact: boolean;
  /** Default: the engine's. */
  readonly promptBits: number | undefined;
  /** Default: the engine's. */
  readonly maxBatchSize: number | undefined;
  /** How caches are quantized; empty: not at all. */
  readonly kv: KVOptions;
  /** What is kept of earlier prompts, and where; empty: the engine's defaults. */
  readonly promptCache: PromptCacheOptions;
  /** Repository, folder or `.gguf` file of what drafts for it, or `OWN_DRAFTS`. */
  readonly draftModel: string | undefined;
  /** Repository or folder of the adapter that answers everything. */
  readonly adapterPath: string | undefined;
  /** Repositories or folders of adapters that calls choose from, by name. */
  readonly adapters: Readonly<Record<string, string>> | undefined;
  readonly engine: EngineKind;
  readonly hub: HubOptions;
}

interface KVOptions {
  kvBits?: number;
  kvGroupSize?: number;
  quantizedKvStart?: number;
}

interface PromptCacheOptions {
  promptCacheBytes?: number;
  promptCachePath?: string;
  promptCacheDiskBytes?: number;
}

interface HubOptions {
  cacheDir?: string;
  revision?: string;
  token?: string;
  endpoint?: string;
  offline?: boolean;
  onProgress?: (progress: DownloadProgress) => void;
}

/**
 * The models to try, in order: the configured one, then its fallbacks.
 *
 * @param device - where the engine will compute, `auto` already decided
 * @throws {InvalidParameterError} when both 4 and 8 bits are asked for, or both kinds of adapters
 */
export function modelSources(options: Options, device: "cpu" | "gpu"): [ModelSource, ...ModelSource[]] {
  const { model, fallbackModels = [], revision, isolation = "worker", threads } = options;
  refuseBothAdapters(options);
  const engine: EngineKind = { device, isolation, ...(threads === undefined ? {} : { threads }) };
  const quantize = quantization(options);
  const hub = hubOptions(options);
  const sourceOf = (name: string, index: number): ModelSource => ({
    name,
    quantize,
    exact: options.exact ?? false,
    promptBits: options.promptBits,
    maxBatchSize: options.maxBatchSize,
    kv: kvOptions(options),
    promptCache: promptCacheOptions(options),
    draftModel: index === 0 ? options.draftModel : undefined, // others may have other tokens
    adapterPath: index === 0 ? options.adapterPath : undefined, // others have other weights
    adapters: index === 0 ? options.adapters : undefined,
    engine,
    // a revision belongs to one repository
    hub: index === 0 && revision !== undefined ? { ...hub, revision } : hub,
  });
  const others = fallbackModels.map((name, index) => sourceOf(name, index + 1));
  return [sourceOf(model ?? "", 0), ...others];
}

/**
 * A model that reads texts and writes none.
 *
 * @param options - the configuration
 * @param given - what of it the user set: by default nothing is quantized, which would change vectors and scores
 * @param model - named by the call; default the configured one
 */
export function readerSource(
  options: Options,
  given: Options,
  device: "cpu" | "gpu",
  model: string | undefined,
): ModelSource {
  const { draftModel: _, adapterPath: __, adapters: ___, revision, ...own } = options;
  const isConfigured = model === undefined || model === options.model;
  const [source] = modelSources(
    {
      ...own,
      quantize: given.quantize ?? false,
      fallbackModels: [],
      ...(isConfigured && revision !== undefined ? { revision } : {}),
      ...(model === undefined ? {} : { model }),
    },
    device,
  );
  return source;
}

/** What two instances must have in common to share a loaded model. */
export function sourceKey(source: ModelSource): string {
  const { name, quantize, exact, promptBits, maxBatchSize, promptCache, draftModel, kv } = source;
  const { engine, hub, adapterPath, adapters } = source;
  const { cacheDir, revision, endpoint } = hub;
  return JSON.stringify([
    name,
    quantize,
    exact,
    promptBits,
    maxBatchSize,
    kv,
    promptCache,
    draftModel,
    adapterPath,
    adapters,
    engine.device,
    engine.isolation,
    engine.threads,
    cacheDir,
    revision,
    endpoint,
  ]);
}

function refuseBothAdapters({ adapterPath, adapters }: Options): void {
  if (adapterPath === undefined || adapters === undefined) return;
  const message = "adapterPath and adapters were both given; give one of them";
  throw new InvalidParameterError("adapterPath", adapterPath, message, { provider: "mlx" });
}

function quantization({ quantize = true, loadIn4bit, loadIn8bit }: Options): boolean | QuantizeOptions {
  if (loadIn4bit && loadIn8bit) {
    const message = "loadIn4bit and loadIn8bit were both given; give one of them";
    throw new InvalidParameterError("loadIn8bit", true, message, { provider: "mlx" });
  }
  if (loadIn8bit) return { bits: 8 };
  if (loadIn4bit) return { bits: 4 };
  if (typeof quantize === "boolean") return quantize;
  const { bits, groupSize } = quantize;
  return { ...(bits === undefined ? {} : { bits }), ...(groupSize === undefined ? {} : { groupSize }) };
}

function kvOptions({ kvBits, kvGroupSize, quantizedKvStart }: Options): KVOptions {
  return {
    ...(kvBits === undefined ? {} : { kvBits }),
    ...(kvGroupSize === undefined ? {} : { kvGroupSize }),
    ...(quantizedKvStart === undefined ? {} : { quantizedKvStart }),
  };
}

function promptCacheOptions(options: Options): PromptCacheOptions {
  const { promptCacheBytes, promptCachePath, promptCacheDiskBytes } = options;
  return {
    ...(promptCacheBytes === undefined ? {} : { promptCacheBytes }),
    ...(promptCachePath === undefined ? {} : { promptCachePath }),
    ...(promptCacheDiskBytes === undefined ? {} : { promptCacheDiskBytes }),
  };
}

function hubOptions({ cacheDir, token, endpoint, offline, onProgress }: Options): HubOptions {
  return {
    ...(cacheDir === undefined ? {} : { cacheDir }),
    ...(token === undefined ? {} : { token }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(offline === undefined ? {} : { offline }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}
