import * as fileSystem from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { HubError } from "../errors.ts";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import { hubSettings } from "./hub-settings.ts";

/** A file of a snapshot. */
export interface CachedFile {
  /** Path in the repository, with `/`. */
  path: string;
  sizeBytes: number;
  /** Where the bytes are: a file in `blobs`, or the file itself. */
  blobPath: string;
}

/** One commit of a cached repository. */
export interface CachedRevision {
  commit: string;
  /** Branches and tags that stand for it. */
  refs: readonly string[];
  path: string;
  sizeBytes: number;
  lastModified: Date;
  files: readonly CachedFile[];
}

/** A repository in the cache. */
export interface CachedRepo {
  /** `org/name`. */
  repo: string;
  type: "model" | "dataset" | "space" | "kernel";
  path: string;
  /** Bytes on the disk; what several revisions share counts once. */
  sizeBytes: number;
  /** Files on the disk; what several revisions share counts once. */
  fileCount: number;
  lastAccessed: Date;
  lastModified: Date;
  /** Newest first. */
  revisions: readonly CachedRevision[];
  /** Bytes of interrupted downloads, which the next download of the model goes on with. */
  incompleteBytes: number;
}

/** What is in a cache folder. */
export interface CacheScan {
  cacheDir: string;
  /** By name. */
  repos: readonly CachedRepo[];
  sizeBytes: number;
  /** Folders that are no sound repository, each with what is wrong with it. */
  warnings: readonly string[];
}

const TYPES = new Map<string, CachedRepo["type"]>([
  ["models", "model"],
  ["datasets", "dataset"],
  ["spaces", "space"],
  ["kernels", "kernel"],
]);
const IGNORED = new Set([".DS_Store", ".locks", "CACHEDIR.TAG", ".shared-blobs"]);

/**
 * Reads a Hugging Face cache; the same repositories, sizes and refs as Python's `scan_cache_dir`. A cache folder that
 * does not exist is empty.
 *
 * @param cacheDir - the hub cache folder. Default as in {@link hubSettings}
 * @throws {HubError} `storage` when the folder cannot be read
 */
export async function scanCache(cacheDir: string = hubSettings().cacheDir): Promise<CacheScan> {
  const repos: CachedRepo[] = [];
  const warnings: string[] = [];
  for (const name of (await readFolder(cacheDir)).sort()) {
    if (IGNORED.has(name)) continue;
    try {
      repos.push(await scanRepo(join(cacheDir, name), name));
    } catch (error) {
      warnings.push(`${join(cacheDir, name)}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const sizeBytes = repos.reduce((sum, repo) => sum + repo.sizeBytes, 0);
  return { cacheDir, repos, sizeBytes, warnings };
}

async function readFolder(cacheDir: string): Promise<string[]> {
  try {
    return await fileSystem.readdir(cacheDir);
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return [];
    throw new HubError("storage", `Cannot read the model cache ${cacheDir} (${errno}). Check HF_HUB_CACHE.`, {
      cause,
      details: { cacheDir, errno },
    });
  }
}

type BlobStats = Map<string, { size: number; atimeMs: number; mtimeMs: number }>;

async function scanRepo(path: string, name: string): Promise<CachedRepo> {
  const [prefix = "", ...parts] = name.split("--");
  const type = TYPES.get(prefix);
  if (type === undefined || parts.length === 0) throw new Error("is not a repository of the cache");
  const blobs: BlobStats = new Map();
  const refs = await readRefs(join(path, "refs"));
  const revisions: CachedRevision[] = [];
  const snapshots = join(path, "snapshots");
  const commits = await ifPresent(fileSystem.readdir(snapshots, { withFileTypes: true }));
  if (commits === undefined) throw new Error("has no snapshots folder");
  for (const entry of commits) {
    if (entry.name === ".DS_Store") continue;
    if (!entry.isDirectory()) throw new Error(`has a file among its snapshots (${entry.name})`);
    revisions.push(await scanRevision(join(snapshots, entry.name), entry.name, refs, blobs));
    refs.delete(entry.name);
  }
  if (refs.size > 0)
    throw new Error(`has refs to commits that are not there (${[...refs.keys()].join(", ")})`);
  const own = await fileSystem.stat(path);
  const stats = [...blobs.values()];
  return {
    repo: parts.join("/"),
    type,
    path,
    sizeBytes: stats.reduce((sum, blob) => sum + blob.size, 0),
    fileCount: stats.length,
    lastAccessed: latest(
      stats.map((blob) => blob.atimeMs),
      own.atimeMs,
    ),
    lastModified: latest(
      stats.map((blob) => blob.mtimeMs),
      own.mtimeMs,
    ),
    revisions: revisions.sort((a, b) => b.lastModified.getTime() - a.lastModified.getTime()),
    incompleteBytes: await incompleteBytes(join(path, "blobs")),
  };
}

async function scanRevision(
  path: string,
  commit: string,
  refs: ReadonlyMap<string, readonly string[]>,
  blobs: BlobStats,
): Promise<CachedRevision> {
  const files: CachedFile[] = [];
  for (const entry of await fileSystem.readdir(path, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory()) continue;
    const file = join(entry.parentPath, entry.name);
    // one step only: a blob may be a link into a store that several repositories share
    const blobPath = entry.isSymbolicLink() ? resolve(dirname(file), await fileSystem.readlink(file)) : file;
    const stats = blobs.get(blobPath) ?? (await ifPresent(fileSystem.stat(blobPath)));
    if (stats === undefined) throw new Error(`has a link to a blob that is gone (${relative(path, file)})`);
    blobs.set(blobPath, stats);
    files.push({ path: relative(path, file).replaceAll("\\", "/"), sizeBytes: stats.size, blobPath });
  }
  const own = await fileSystem.stat(path);
  const unique = new Map(files.map((file) => [file.blobPath, file.sizeBytes]));
  return {
    commit,
    refs: refs.get(commit) ?? [],
    path,
    sizeBytes: [...unique.values()].reduce((sum, size) => sum + size, 0),
    lastModified: latest(
      [...unique.keys()].map((blob) => blobs.get(blob)?.mtimeMs ?? 0),
      own.mtimeMs,
    ),
    files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** Commits by the branches and tags that stand for them. */
async function readRefs(folder: string): Promise<Map<string, string[]>> {
  const refs = new Map<string, string[]>();
  const entries =
    (await ifPresent(fileSystem.readdir(folder, { withFileTypes: true, recursive: true }))) ?? [];
  for (const entry of entries) {
    if (entry.isDirectory() || entry.name === ".DS_Store") continue;
    const path = join(entry.parentPath, entry.name);
    const commit = await fileSystem.readFile(path, "utf8");
    refs.set(commit, [...(refs.get(commit) ?? []), relative(folder, path).replaceAll("\\", "/")].sort());
  }
  return refs;
}

async function incompleteBytes(blobs: string): Promise<number> {
  let bytes = 0;
  for (const name of (await ifPresent(fileSystem.readdir(blobs))) ?? []) {
    if (name.endsWith(".incomplete"))
      bytes += (await ifPresent(fileSystem.stat(join(blobs, name))))?.size ?? 0;
  }
  return bytes;
}

function latest(times: readonly number[], fallback: number): Date {
  return new Date(times.length === 0 ? fallback : times.reduce((a, b) => Math.max(a, b)));
}
