import { join } from "node:path";
import { HubError } from "../errors.ts";
import { repoFolders } from "./cache-layout.ts";
import type { Snapshot, SnapshotRequest } from "./download-snapshot.ts";
import { ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";
import { isCommit } from "./revision.ts";
import { type FileSelection, type FileWish, selectFiles } from "./select-files.ts";

/**
 * Looks a revision up in the cache alone.
 *
 * Complete means: every wanted file of the listing that Python's `snapshot_download` may have left in `trees/`, and
 * else a config and every shard the weights' index names.
 *
 * @returns undefined when the revision or one of its wanted files is not there
 */
export async function findLocalSnapshot(
  context: HubContext,
  { repo, revision, wish }: SnapshotRequest,
): Promise<Snapshot | undefined> {
  const folders = repoFolders(context.settings.cacheDir, repo);
  const ref = isCommit(revision)
    ? revision
    : await ifPresent(context.fs.readFile(join(folders.refs, ...revision.split("/")), "utf8"));
  const commit = ref?.trim() ?? "";
  if (!isCommit(commit)) return undefined;
  const folder = join(folders.snapshots, commit);
  const present = await snapshotFiles(context, folder);
  const selection = select(present, wish, repo);
  if (selection === undefined) return undefined;
  const there = new Set(present);
  const required = await requiredFiles(context, folders.root, commit, selection, wish, repo);
  return required.every((name) => there.has(name))
    ? { folder, commit, selection, fromCache: true }
    : undefined;
}

/** Files of a snapshot folder by their paths with `/`; links to blobs that are gone do not count. */
export async function snapshotFiles(context: Pick<HubContext, "fs">, folder: string): Promise<string[]> {
  const entries = (await ifPresent(context.fs.readdir(folder, { recursive: true }))) ?? [];
  const names: string[] = [];
  for (const entry of entries) {
    const stats = await ifPresent(context.fs.stat(join(folder, entry)));
    if (stats?.isFile()) names.push(entry.replaceAll("\\", "/"));
  }
  return names.sort();
}

function select(names: readonly string[], wish: FileWish, repo: string): FileSelection | undefined {
  try {
    return selectFiles(names, wish, repo);
  } catch (error) {
    if (error instanceof HubError) return undefined;
    throw error;
  }
}

async function requiredFiles(
  context: HubContext,
  root: string,
  commit: string,
  selection: FileSelection,
  wish: FileWish,
  repo: string,
): Promise<readonly string[]> {
  if (selection.gguf !== undefined) return selection.files; // parts that miss one are no model to select
  const tree = await readJson(context, join(root, "trees", `${commit}.json`));
  const listed = isObject(tree) && isObject(tree.files) ? Object.keys(tree.files) : undefined;
  const expected = listed && select(listed, wish, repo);
  if (expected) return expected.files;
  if (wish.patterns !== undefined) return selection.files;
  const index = await readJson(context, join(root, "snapshots", commit, "model.safetensors.index.json"));
  const shards = isObject(index) && isObject(index.weight_map) ? Object.values(index.weight_map) : [];
  return ["config.json", ...new Set(shards.filter((shard) => typeof shard === "string"))];
}

async function readJson(context: HubContext, path: string): Promise<unknown> {
  const text = await ifPresent(context.fs.readFile(path, "utf8"));
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // who loads the file says what is wrong with it
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
