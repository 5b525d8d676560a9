import { announceDownload } from "./announce-download.ts";
import { weightFileBytes } from "./check-memory.ts";
import { importHub } from "./engine-package.ts";
import { mapMlxError } from "./map-error.ts";
import type { ModelSource } from "./model-source.ts";

/** A model's adapters as folders of this machine, for the engine. */
export interface FoundAdapters {
  readonly options: { adapterPath?: string; adapters?: Record<string, string> };
  /** What their weights will take, about. */
  readonly memoryBytes: number;
  readonly warnings: readonly string[];
}

/**
 * Finds or downloads a model's adapters.
 *
 * @throws {AbstractLLMError} the subclass that says why one cannot be had
 */
export async function findAdapters(
  { adapterPath, adapters, hub }: ModelSource,
  signal: AbortSignal,
): Promise<FoundAdapters> {
  const { revision: _, ...others } = hub; // of the model's repository
  const find = async (source: string) => {
    try {
      const { resolveAdapter } = await importHub();
      const { path, warnings } = await resolveAdapter(source, {
        onProgress: announceDownload(source),
        ...others,
        signal,
      });
      return { path, warnings, memoryBytes: await weightFileBytes(path) };
    } catch (error) {
      throw mapMlxError(error, source);
    }
  };
  const only = adapterPath === undefined ? undefined : await find(adapterPath);
  const named = new Map<string, Awaited<ReturnType<typeof find>>>();
  for (const [name, source] of Object.entries(adapters ?? {})) named.set(name, await find(source));
  const found = [...named.values(), ...(only === undefined ? [] : [only])];
  return {
    options: {
      ...(only === undefined ? {} : { adapterPath: only.path }),
      ...(adapters === undefined
        ? {}
        : { adapters: Object.fromEntries([...named].map(([name, { path }]) => [name, path])) }),
    },
    memoryBytes: found.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    warnings: found.flatMap(({ warnings }) => warnings),
  };
}
