export { type CachedModel, cachedModels } from "./cached-models.ts";
export type { DownloadProgress, ProgressListener } from "./download-progress.ts";
export type { HubFileSystem, HubLimits } from "./hub-context.ts";
export { type HubEnv, type HubSettings, type HubSettingsOptions, hubSettings } from "./hub-settings.ts";
export { type RemovedModel, type RemoveModelOptions, removeModel } from "./remove-model.ts";
export { resolveAdapter } from "./resolve-adapter.ts";
export {
  type HubEnvironment,
  type ResolvedModel,
  type ResolveModelOptions,
  resolveModel,
} from "./resolve-model.ts";
export {
  type CachedFile,
  type CachedRepo,
  type CachedRevision,
  type CacheScan,
  scanCache,
} from "./scan-cache.ts";
export { MODEL_PATTERNS } from "./select-files.ts";
