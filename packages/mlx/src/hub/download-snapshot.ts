import { join } from "node:path";
import { HubError } from "../errors.ts";
import { type RepoFolders, repoFolders } from "./cache-layout.ts";
import { checkDiskSpace } from "./disk-space.ts";
import { downloadBlob } from "./download-blob.ts";
import { type ProgressListener, ProgressMeter } from "./download-progress.ts";
import { fetchFileMetadata } from "./file-metadata.ts";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";
import { linkSnapshot, type SnapshotEntry, writeRef } from "./link-snapshot.ts";
import { mappedConcurrently } from "./mapped-concurrently.ts";
import { partialBytes } from "./partial-file.ts";
import { checkRepoFiles } from "./repo-file.ts";
import type { ListedFile, RepoListing } from "./repo-listing.ts";
import { type FileSelection, type FileWish, selectFiles } from "./select-files.ts";

/** What is wanted of a repository. */
export interface SnapshotRequest {
  repo: string;
  /** Branch, tag or commit. */
  revision: string;
  wish: FileWish;
  onProgress: ProgressListener | undefined;
}

/** A snapshot folder of the cache and what was chosen of it. */
export interface Snapshot {
  folder: string;
  commit: string;
  selection: FileSelection;
  /** True when nothing had to be transferred. */
  fromCache: boolean;
}

/**
 * Brings the wanted files of a listed revision into the cache. Blobs come first and the snapshot's files last, so that a
 * snapshot is never seen half there; the ref that names it comes after.
 *
 * @throws {HubError}
 */
export async function downloadSnapshot(
  context: HubContext,
  { repo, revision, wish, onProgress }: SnapshotRequest,
  listing: RepoListing,
): Promise<Snapshot> {
  const selection = selectFiles(
    listing.files.map((file) => file.path),
    wish,
    repo,
  );
  checkRepoFiles(selection.files);
  const folders = repoFolders(context.settings.cacheDir, repo);
  const folder = join(folders.snapshots, listing.commit);
  const missing = await findMissing(context, folder, listing.files, selection.files);
  if (missing.length > 0) {
    await prepareFolders(context, folders);
    const entries = await downloadFiles(context, folders, listing.commit, missing, onProgress);
    await linkSnapshot(context, folders, listing.commit, entries);
  }
  await writeRef(context, folders, revision, listing.commit).catch((error: unknown) => {
    // a shared read-only cache serves what it has
    if (missing.length > 0 || !["EROFS", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) throw error;
  });
  return { folder, commit: listing.commit, selection, fromCache: missing.length === 0 };
}

async function findMissing(
  context: HubContext,
  folder: string,
  listed: readonly ListedFile[],
  wanted: readonly string[],
): Promise<ListedFile[]> {
  const names = new Set(wanted);
  const missing: ListedFile[] = [];
  for (const file of listed) {
    if (!names.has(file.path)) continue;
    const stats = await ifPresent(context.fs.stat(join(folder, ...file.path.split("/"))));
    const whole = stats?.isFile() && (file.sizeBytes === undefined || stats.size === file.sizeBytes);
    if (!whole) missing.push(file);
  }
  return missing;
}

async function prepareFolders(context: HubContext, folders: RepoFolders): Promise<void> {
  await context.fs.mkdir(folders.blobs, { recursive: true });
  await context.fs.mkdir(folders.snapshots, { recursive: true }); // Python takes a repository without it for damaged
  const tag = "Signature: 8a477f597d28d172789f06886806bc55\n# See https://bford.info/cachedir/\n";
  await context.fs
    .writeFile(join(context.settings.cacheDir, "CACHEDIR.TAG"), tag, { flag: "wx" })
    .catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
    });
}

async function downloadFiles(
  context: HubContext,
  folders: RepoFolders,
  commit: string,
  files: readonly ListedFile[],
  onProgress: ProgressListener | undefined,
): Promise<SnapshotEntry[]> {
  const { limits, signal } = context;
  const meter = new ProgressMeter(onProgress, limits.progressIntervalMs);
  for (const file of files) meter.expect(file.path, file.sizeBytes ?? 0);
  const neededBytes = files.reduce((sum, file) => sum + (file.sizeBytes ?? 0), 0);
  const keptBytes = await partialTotal(context, folders);
  await checkDiskSpace(context, folders.blobs, neededBytes - keptBytes);
  meter.begin();
  return mappedConcurrently(files, limits.maxConcurrentFiles, signal, (file, shared) =>
    downloadFile({ ...context, signal: shared }, folders, commit, file, meter),
  );
}

/** Bytes of partial files in the cache: what they hold needs no room any more. */
async function partialTotal(context: HubContext, folders: RepoFolders): Promise<number> {
  const names = (await ifPresent(context.fs.readdir(folders.blobs))) ?? [];
  const etags = new Set(names.flatMap((name) => /^(.+)\.node-\w+\.incomplete$/.exec(name)?.[1] ?? []));
  let total = 0;
  for (const etag of etags) total += await partialBytes(context, folders.blobs, etag);
  return total;
}

async function downloadFile(
  context: HubContext,
  folders: RepoFolders,
  commit: string,
  file: ListedFile,
  meter: ProgressMeter,
): Promise<SnapshotEntry> {
  for (let tries = 1; ; tries++) {
    const remote = await fetchFileMetadata(context, folders.repo, commit, file.path, file.sizeBytes);
    meter.expect(file.path, remote.sizeBytes);
    try {
      const transferred = await downloadBlob(context, folders, remote, (bytes) =>
        meter.update(file.path, bytes),
      );
      meter.update(file.path, remote.sizeBytes);
      return { path: file.path, etag: remote.etag, fresh: transferred > 0 };
    } catch (error) {
      // once more with fresh metadata: the file changed, or what an earlier try left was bad
      if (tries > 1 || !(error instanceof HubError) || error.code !== "integrity") throw error;
    }
  }
}
