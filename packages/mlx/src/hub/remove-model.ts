import * as fileSystem from "node:fs/promises";
import { dirname, join } from "node:path";
import { HubError } from "../errors.ts";
import { type RepoFolders, repoFolders } from "./cache-layout.ts";
import { ifPresent } from "./fs-errors.ts";
import { hubSettings } from "./hub-settings.ts";
import { checkRepoId } from "./repo-id.ts";
import { type CachedRepo, type CachedRevision, scanCache } from "./scan-cache.ts";
import { storageError } from "./storage-error.ts";

/** Options of `removeModel`. */
export interface RemoveModelOptions {
  /** Branch, tag or commit to remove alone; what other revisions share with it stays. Default: all of the model. */
  revision?: string | undefined;
  /** The hub cache folder. Default as in `hubSettings`. */
  cacheDir?: string | undefined;
}

/** What `removeModel` removed. */
export interface RemovedModel {
  repo: string;
  /** Commits that are gone. */
  revisions: readonly string[];
  freedBytes: number;
}

/**
 * Removes a model, or one revision of it, from the cache. Removing the last revision removes the model.
 *
 * @throws {HubError} `model-not-found` when it is not in the cache, `invalid-argument` for a bad name, `storage`
 * when the file system refuses
 */
export async function removeModel(repo: string, options: RemoveModelOptions = {}): Promise<RemovedModel> {
  const cacheDir = hubSettings(process.env, { cacheDir: options.cacheDir, token: false }).cacheDir;
  const folders = repoFolders(cacheDir, checkRepoId(repo));
  try {
    const { repos } = await scanCache(cacheDir);
    const cached = repos.find((candidate) => candidate.path === folders.root);
    // a damaged repository is no model any more, and still takes room
    if (cached === undefined) return await removeAll(folders, undefined, options.revision);
    if (options.revision === undefined) return await removeAll(folders, cached);
    const revision = findRevision(cached, options.revision, cacheDir);
    return cached.revisions.length === 1
      ? await removeAll(folders, cached)
      : await removeRevision(folders, cached, revision);
  } catch (error) {
    throw storageError(error, cacheDir);
  }
}

async function removeAll(
  folders: RepoFolders,
  cached: CachedRepo | undefined,
  revision?: string,
): Promise<RemovedModel> {
  const stats = await ifPresent(fileSystem.stat(folders.root));
  if (stats === undefined || (cached === undefined && revision !== undefined)) {
    throw new HubError(
      "model-not-found",
      `${folders.repo}${revision === undefined ? "" : ` at ${revision}`} is not in the cache ${dirname(folders.root)}.`,
    );
  }
  const freedBytes = await bytesIn(folders.root);
  await fileSystem.rm(folders.root, { recursive: true, force: true });
  await fileSystem.rm(folders.locks, { recursive: true, force: true });
  return {
    repo: folders.repo,
    revisions: cached?.revisions.map(({ commit }) => commit) ?? [],
    freedBytes,
  };
}

function findRevision(cached: CachedRepo, wanted: string, cacheDir: string): CachedRevision {
  const revision = cached.revisions.find(({ commit, refs }) => commit === wanted || refs.includes(wanted));
  if (revision) return revision;
  const there = cached.revisions.map(({ commit, refs }) => [commit, ...refs].join(" ")).join(", ");
  throw new HubError(
    "model-not-found",
    `${cached.repo} has no revision ${JSON.stringify(wanted)} in the cache ${cacheDir}. It has: ${there}.`,
  );
}

async function removeRevision(
  folders: RepoFolders,
  cached: CachedRepo,
  revision: CachedRevision,
): Promise<RemovedModel> {
  const others = cached.revisions.filter((other) => other !== revision);
  const shared = new Set(others.flatMap((other) => other.files.map((file) => file.blobPath)));
  // names first: a snapshot without its blobs would look damaged if this stops half-way
  for (const ref of revision.refs)
    await fileSystem.rm(join(folders.refs, ...ref.split("/")), { force: true });
  await fileSystem.rm(revision.path, { recursive: true, force: true });
  await fileSystem.rm(join(folders.root, "trees", `${revision.commit}.json`), { force: true });
  const own = new Map(revision.files.map((file) => [file.blobPath, file.sizeBytes]));
  let freedBytes = 0;
  for (const [blobPath, sizeBytes] of own) {
    if (shared.has(blobPath)) continue;
    // a link that leads out of this repository is not ours to delete
    if (dirname(blobPath) === folders.blobs) await fileSystem.rm(blobPath, { force: true });
    freedBytes += sizeBytes;
  }
  return { repo: folders.repo, revisions: [revision.commit], freedBytes };
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await fileSystem.readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    bytes += (await ifPresent(fileSystem.lstat(join(entry.parentPath, entry.name))))?.size ?? 0;
  }
  return bytes;
}
