import { type CachedRepo, type CachedRevision, scanCache } from "./scan-cache.ts";

/** A model of the cache that looks complete enough to load. */
export interface CachedModel {
  /** `org/name`, as `resolveModel` takes it. */
  repo: string;
  /** The commit `main` stands for, else the newest that can be loaded. */
  revision: string;
  /** What its weights are stored as. */
  format: "safetensors" | "gguf";
  /** `.gguf` files to choose from, by their paths in the repository; empty for safetensors. */
  ggufFiles: readonly string[];
  /** Bytes of the whole repository on the disk. */
  sizeBytes: number;
  lastAccessed: Date;
  lastModified: Date;
}

/**
 * Models of the cache that can be loaded: those with a config and safetensors, or with a GGUF file. By name.
 *
 * @param cacheDir - the hub cache folder. Default as in `hubSettings`
 * @throws {HubError} `storage` when the folder cannot be read
 */
export async function cachedModels(cacheDir?: string): Promise<CachedModel[]> {
  const { repos } = await scanCache(cacheDir);
  return repos.flatMap((repo) => (repo.type === "model" ? (loadable(repo) ?? []) : []));
}

function loadable(repo: CachedRepo): CachedModel | undefined {
  const mainFirst = [...repo.revisions].sort(
    (a, b) => Number(b.refs.includes("main")) - Number(a.refs.includes("main")),
  );
  for (const revision of mainFirst) {
    const format = formatOf(revision);
    if (format === undefined) continue;
    const { sizeBytes, lastAccessed, lastModified } = repo;
    const names = revision.files.map((file) => file.path);
    const ggufFiles = format === "gguf" ? names.filter((name) => /\.gguf$/i.test(name)) : [];
    return {
      repo: repo.repo,
      revision: revision.commit,
      format,
      ggufFiles,
      sizeBytes,
      lastAccessed,
      lastModified,
    };
  }
  return undefined;
}

function formatOf(revision: CachedRevision): CachedModel["format"] | undefined {
  const names = revision.files.map((file) => file.path);
  if (names.includes("config.json") && names.some((name) => /^model[^/]*\.safetensors$/.test(name))) {
    return "safetensors";
  }
  return names.some((name) => /\.gguf$/i.test(name) && !/(?:^|\/)mmproj/i.test(name)) ? "gguf" : undefined;
}
