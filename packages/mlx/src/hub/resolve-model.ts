import { basename, resolve } from "node:path";
import { HubError } from "../errors.ts";
import type { ProgressListener } from "./download-progress.ts";
import { downloadSnapshot, type Snapshot, type SnapshotRequest } from "./download-snapshot.ts";
import { ifPresent } from "./fs-errors.ts";
import { type HubContext, type HubFileSystem, type HubLimits, hubContext } from "./hub-context.ts";
import { expand, type HubEnv, type HubSettingsOptions, hubSettings } from "./hub-settings.ts";
import { findLocalSnapshot, snapshotFiles } from "./local-snapshot.ts";
import { type ModelSource, parseModelSource } from "./model-source.ts";
import { fetchRepoListing } from "./repo-listing.ts";
import { throwIfAborted } from "./retry.ts";
import { checkRevision, isCommit } from "./revision.ts";
import type { FileWish } from "./select-files.ts";
import { storageError } from "./storage-error.ts";

/** Options of `resolveModel`. */
export interface ResolveModelOptions extends HubSettingsOptions {
  /** Branch, tag or commit. Default `main`. */
  revision?: string | undefined;
  /** Python `fnmatch` patterns of the files to fetch. Default: what a model needs (`MODEL_PATTERNS`, or one GGUF). */
  allowPatterns?: readonly string[] | undefined;
  /** Stops the download; what has arrived is kept and the next call goes on from there. */
  signal?: AbortSignal | undefined;
  /** Called at most ten times a second for each file. */
  onProgress?: ProgressListener | undefined;
}

/** The outside world, for programs and tests that bring another. */
export interface HubEnvironment {
  /** Default `process.env`. */
  env?: HubEnv;
  limits?: Partial<HubLimits>;
  fs?: HubFileSystem;
}

/** Where a model is on this machine. */
export interface ResolvedModel {
  /** Folder with config and weights, or a `.gguf` file (the first of its parts). */
  path: string;
  /** Repository id; undefined for something that was on this machine. */
  repo?: string;
  /** Commit the snapshot is of. */
  revision?: string;
  /** True when nothing was transferred. */
  fromCache: boolean;
  /** Files that were asked for, by their paths in the folder. */
  files: readonly string[];
  /** What was decided for the user: a hub that could not be asked, a quantization that was chosen. */
  warnings: readonly string[];
}

/**
 * Finds a model: a folder or `.gguf` file of this machine as it is, else a hub repository from the Hugging Face cache,
 * downloaded first when needed. An existing path wins over a repository of the same name.
 *
 * A branch is looked up on the hub each time; when the hub cannot be asked, what the cache has of it is used, with a
 * warning. A commit that is in the cache needs no hub.
 *
 * @param source - path, `org/name`, `org/name:Q4_K_M` or `org/name/file.gguf`
 * @throws {HubError} `model-not-found`, `gated`, `network`, `integrity`, `offline`, `aborted`, `invalid-argument`, or
 * `storage` for a cache folder that cannot be used
 * @example
 * const { path } = await resolveModel("mlx-community/Qwen3-0.6B-4bit", { onProgress: console.log });
 */
export async function resolveModel(
  source: string,
  options: ResolveModelOptions = {},
  environment: HubEnvironment = {},
): Promise<ResolvedModel> {
  const env = environment.env ?? process.env;
  const context = hubContext(hubSettings(env, options), options.signal, environment);
  try {
    throwIfAborted(options.signal);
    // first: a path such as ".models/a/b.gguf" need not be a valid repository name
    const canExist = source !== "" && !source.includes("\0");
    const local = canExist ? await findOnMachine(context, resolve(expand(source, env))) : undefined;
    if (local) return local;
    const parsed = parseModelSource(source);
    if (parsed.kind === "path") {
      throw new HubError(
        "model-not-found",
        `There is no model folder or .gguf file at ${resolve(expand(source, env))}.`,
      );
    }
    return await resolveRepo(context, parsed, options);
  } catch (error) {
    throw storageError(error, context.settings.cacheDir);
  }
}

async function findOnMachine(context: HubContext, path: string): Promise<ResolvedModel | undefined> {
  const stats = await ifPresent(context.fs.stat(path));
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) {
    return { path, fromCache: true, files: await snapshotFiles(context, path), warnings: [] };
  }
  if (stats.isFile() && /\.gguf$/i.test(path))
    return { path, fromCache: true, files: [basename(path)], warnings: [] };
  throw new HubError(
    "invalid-argument",
    `Expected a model folder or a .gguf file but ${path} is another kind of file. Give the folder it is in.`,
  );
}

async function resolveRepo(
  context: HubContext,
  { repo, quant, ggufFile }: Extract<ModelSource, { kind: "repo" }>,
  options: ResolveModelOptions,
): Promise<ResolvedModel> {
  const revision = checkRevision(options.revision ?? "main");
  const wish: FileWish = { patterns: options.allowPatterns, quant, ggufFile };
  const request: SnapshotRequest = { repo, revision, wish, onProgress: options.onProgress };
  const { settings } = context;
  const cached = await findLocalSnapshot(context, request);
  if (cached && (settings.offline || isCommit(revision))) return resolved(repo, cached);
  if (settings.offline) {
    throw new HubError(
      "offline",
      `${repo} (revision ${revision}) is not complete in the cache ${settings.cacheDir}, and offline mode is on. ` +
        "Unset HF_HUB_OFFLINE, or fetch it once with a network.",
      { details: { repo, revision, cacheDir: settings.cacheDir } },
    );
  }
  try {
    // with a copy at hand there is no use in trying for long
    const limits = cached ? { ...context.limits, maxRetries: 1, maxUnreachableRetries: 0 } : context.limits;
    const listing = await fetchRepoListing({ ...context, limits }, repo, revision);
    return resolved(repo, await downloadSnapshot(context, request, listing));
  } catch (error) {
    if (!cached || !(error instanceof HubError) || !["network", "gated"].includes(error.code)) throw error;
    const warning = `Used ${repo} from the cache, which may be out of date: ${error.message}`;
    return resolved(repo, cached, [warning]);
  }
}

function resolved(repo: string, snapshot: Snapshot, warnings: readonly string[] = []): ResolvedModel {
  const { folder, commit, selection, fromCache } = snapshot;
  return {
    path: selection.gguf === undefined ? folder : resolve(folder, selection.gguf),
    repo,
    revision: commit,
    fromCache,
    files: [...selection.files].sort(),
    warnings: [...selection.warnings, ...warnings],
  };
}
