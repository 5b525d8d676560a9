import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { RepoFolders } from "./cache-layout.ts";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";

/** A file of a snapshot and the blob that holds its bytes. */
export interface SnapshotEntry {
  path: string;
  etag: string;
  /** The blob came with this download, so no other snapshot can point to it yet. */
  fresh: boolean;
}

// Windows without developer mode, FAT, some network file systems
const NO_LINKS = new Set([
  "EPERM",
  "EACCES",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EINVAL",
  "EMLINK",
  "UNKNOWN",
]);

/**
 * Makes the files of a snapshot visible: relative symlinks into `blobs`, as Python makes them, or plain files where
 * symlinks do not work or are not wanted. Each appears whole.
 */
export async function linkSnapshot(
  context: HubContext,
  folders: RepoFolders,
  commit: string,
  entries: readonly SnapshotEntry[],
): Promise<void> {
  const moved = new Set<string>();
  await context.fs.mkdir(folders.locks, { recursive: true });
  for (const entry of entries) {
    const pointer = join(folders.snapshots, commit, ...entry.path.split("/"));
    const blob = join(folders.blobs, entry.etag);
    await context.fs.mkdir(dirname(pointer), { recursive: true });
    const draft = draftPath(folders);
    try {
      const linked =
        context.settings.symlinks &&
        (await works(context.fs.symlink(relative(dirname(pointer), blob), draft, "file")));
      if (!linked) {
        await copyBlob(context, blob, draft);
        if (entry.fresh) moved.add(blob);
      }
      await context.fs.rename(draft, pointer);
    } catch (error) {
      await context.fs.rm(draft, { force: true });
      throw error;
    }
  }
  // plain files are the only copy, as Python leaves them
  for (const blob of moved) await context.fs.rm(blob, { force: true });
}

/** Records which commit a branch or tag stands for. */
export async function writeRef(
  context: HubContext,
  folders: RepoFolders,
  revision: string,
  commit: string,
): Promise<void> {
  if (revision === commit) return;
  const path = join(folders.refs, ...revision.split("/"));
  if ((await ifPresent(context.fs.readFile(path, "utf8"))) === commit) return;
  const draft = draftPath(folders);
  await context.fs.mkdir(dirname(path), { recursive: true });
  await context.fs.mkdir(folders.locks, { recursive: true });
  try {
    await context.fs.writeFile(draft, commit);
    await context.fs.rename(draft, path);
  } catch (error) {
    await context.fs.rm(draft, { force: true });
    throw error;
  }
}

// among the locks, where no one takes it for a file of the model
function draftPath(folders: RepoFolders): string {
  return join(folders.locks, `draft-${randomBytes(6).toString("hex")}`);
}

async function copyBlob(context: HubContext, blob: string, draft: string): Promise<void> {
  if (await works(context.fs.link(blob, draft))) return;
  await context.fs.copyFile(blob, draft, constants.COPYFILE_FICLONE);
}

async function works(linking: Promise<void>): Promise<boolean> {
  try {
    await linking;
    return true;
  } catch (error) {
    if (NO_LINKS.has(errnoOf(error) ?? "")) return false;
    throw error;
  }
}
