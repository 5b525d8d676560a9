import { createHash, randomBytes } from "node:crypto";
import { accessSync, constants, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type CacheSnapshot, type LayerCache, restoreAll, snapshotAll } from "../../cache/index.ts";
import * as mx from "../../core/index.ts";
import { MlxError } from "../../errors.ts";
import {
  covers,
  type EvaluatedSequence,
  isBeginningOf,
  type Sequence,
  type StartOf,
  servedLength,
} from "../evaluated-sequence.ts";
import { makeRoomIn, prefixFilesOf, removeFile, touchFile } from "./files-in.ts";
import { readPrefix, readPrefixHeader, writePrefix } from "./prefix-file.ts";

/** Fewer are read by a model about as fast as from a file. */
const LEAST_TOKENS = 64;
/** A file is read when so much of it spares evaluation: reading a token takes far less time than that. */
const LEAST_SHARE = 1 / 16;
/** A sequence that grew by less is not written again at once: a long conversation is written a few times, not at every turn. */
const LEAST_GROWTH = 1 / 4;

/** What a folder says that only its owner may see: files hold what was said. */
const PRIVATE = 0o700;

/** Makes a folder for prefixes where it is missing. @throws {MlxError} `storage` when it cannot be read and written */
export const preparePrefixFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const message = `promptCachePath: ${path} cannot be used as a folder: ${reasonOf(cause)}`;
    throw new MlxError("storage", message, { cause, details: { path } });
  }
};

/** Where a model's prefixes are kept. */
export interface PrefixFolderOptions {
  /** Folder of all models. */
  readonly path: string;
  /** Of all models' files. */
  readonly maxBytes: number;
  /** Tells apart whatever leaves other keys and values of equal tokens: models, adapters, options. */
  identity(adapter: string | undefined): string;
  /** Caches of the model that hold a token. */
  openCaches(): LayerCache[];
  /** Shorter sequences are not kept. Default 64. */
  readonly leastTokens?: number;
}

/** What a file held. */
export interface TakenPrefix extends Pick<EvaluatedSequence, "key" | "promptLength" | "isTrimmable"> {
  readonly caches: readonly LayerCache[];
}

interface KnownFile extends EvaluatedSequence {
  readonly sizeBytes: number;
}

const ENDINGS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
};

const reasonOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return ENDINGS[code ?? ""] ?? message;
};

/** Whether an error is about what a file holds, not about reading it. */
const isDamage = (error: unknown): boolean =>
  MlxError.isInstance(error) &&
  (error.code === "invalid-argument" || (error.code === "weights" && error.details.problem !== "unreadable"));

const isMissing = (error: unknown): boolean =>
  MlxError.isInstance(error) && error.details.problem === "missing";

const sizeOf = ({ arrays, parts }: CacheSnapshot): number =>
  arrays.reduce((sum, array) => sum + (array?.nbytes ?? 0), 0) +
  parts.reduce((sum, part) => sum + sizeOf(part), 0);

const disposeAll = (caches: readonly LayerCache[]): void => {
  for (const layer of caches) layer.dispose();
};

/**
 * The prefixes of one model on disk. Any number of processes may use a folder at once: files are complete from when they
 * can be seen, and none is changed. Nothing here fails a request; what goes wrong is a warning.
 */
export class PrefixFolder {
  readonly #options: PrefixFolderOptions;
  readonly #leastTokens: number;
  /** By path, those whose headers have been read. */
  readonly #known = new Map<string, KnownFile>();
  #warnings: string[] = [];
  #canWrite = true;

  constructor(options: PrefixFolderOptions) {
    this.#options = options;
    this.#leastTokens = options.leastTokens ?? LEAST_TOKENS;
  }

  /**
   * The caches of a file that serves a sequence better than what is known, for the caller to own.
   *
   * @param known - how many tokens need no evaluation without it
   * @param mostBytes - larger files are of no use
   */
  take(
    sequence: Sequence,
    startOf: StartOf,
    { known, mostBytes }: { known: number; mostBytes: number },
  ): TakenPrefix | undefined {
    if (sequence.isDraft === true || sequence.key.length < this.#leastTokens) return undefined;
    const useful = this.#list(sequence.adapter)
      .map(([path, file]) => ({ path, file, length: servedLength(file, sequence, startOf) }))
      .filter(
        ({ file, length }) => length - known > file.key.length * LEAST_SHARE && file.sizeBytes <= mostBytes,
      )
      .sort((a, b) => b.length - a.length || a.file.sizeBytes - b.file.sizeBytes);
    for (const { path } of useful) {
      const taken = this.#read(path);
      if (taken !== undefined) return taken;
    }
    return undefined;
  }

  /**
   * Writes the caches of a sequence, unless a file covers it.
   *
   * @param isLast - also when the file of its beginning is nearly as long
   */
  keep(sequence: EvaluatedSequence, caches: readonly LayerCache[], isLast: boolean): void {
    const { key, isDraft } = sequence;
    if (!this.#canWrite || isDraft === true || key.length < this.#leastTokens) return;
    const files = this.#list(sequence.adapter);
    const enough = isLast ? key.length : key.length / (1 + LEAST_GROWTH);
    const isKept = ([, file]: (typeof files)[number]): boolean =>
      covers(file, sequence) || (file.key.length >= enough && isBeginningOf(file, sequence));
    if (files.some(isKept)) return;
    if (!this.#write(sequence, caches)) return;
    for (const [path, file] of files) if (covers(sequence, file)) this.#remove(path);
    makeRoomIn(this.#options.path, this.#options.maxBytes);
  }

  /** What went wrong since it was last asked. */
  takeWarnings(): readonly string[] {
    const warnings = [...new Set(this.#warnings)];
    this.#warnings = [];
    return warnings;
  }

  #folder(adapter: string | undefined): string {
    return join(this.#options.path, this.#options.identity(adapter));
  }

  /** The files of a model with an adapter, as they are now. */
  #list(adapter: string | undefined): [string, KnownFile][] {
    const paths = prefixFilesOf(this.#folder(adapter));
    return paths.flatMap((path): [string, KnownFile][] => {
      const file = this.#known.get(path) ?? this.#readHeader(path, adapter);
      return file === undefined ? [] : [[path, file]];
    });
  }

  #readHeader(path: string, adapter: string | undefined): KnownFile | undefined {
    try {
      const file = { ...readPrefixHeader(path), adapter };
      this.#known.set(path, file);
      return file;
    } catch (error) {
      this.#complain(path, error);
      return undefined;
    }
  }

  #read(path: string): TakenPrefix | undefined {
    let caches: LayerCache[] = [];
    try {
      caches = this.#options.openCaches();
      const told = mx.tidy(() => {
        const { layers, ...told } = readPrefix(path);
        restoreAll(caches, layers);
        return told;
      });
      touchFile(path);
      return { ...told, caches };
    } catch (error) {
      disposeAll(caches);
      this.#complain(path, error);
      return undefined;
    }
  }

  /** A damaged file would be of no use to anybody. */
  #complain(path: string, error: unknown): void {
    if (isMissing(error)) return; // another process removed it
    if (!isDamage(error)) {
      this.#warnings.push(`A prompt kept in ${path} cannot be read: ${reasonOf(error)}`);
      return;
    }
    this.#remove(path);
    this.#warnings.push(`A damaged file of a kept prompt was removed: ${reasonOf(error)}`);
  }

  #remove(path: string): void {
    removeFile(path);
    this.#known.delete(path);
  }

  #write({ adapter, ...told }: EvaluatedSequence, caches: readonly LayerCache[]): boolean {
    const { path, maxBytes } = this.#options;
    const folder = this.#folder(adapter);
    const name = createHash("sha256")
      .update(JSON.stringify([told.key, told.promptLength]))
      .digest("hex")
      .slice(0, 32);
    const unfinished = join(folder, `${name}.${randomBytes(8).toString("hex")}.incomplete`);
    try {
      mkdirSync(folder, { recursive: true, mode: PRIVATE });
      const isWritten = mx.tidy(() => {
        const layers = snapshotAll(caches);
        if (layers === undefined || sizeOf({ arrays: [], counts: [], parts: layers }) > maxBytes)
          return false;
        writePrefix(unfinished, told, layers);
        return true;
      });
      if (isWritten) renameSync(unfinished, join(folder, `${name}.safetensors`));
      return isWritten;
    } catch (error) {
      removeFile(unfinished);
      this.#canWrite = false; // what failed once would fail after every answer
      this.#warnings.push(`Prompts are no longer kept in ${path}: ${reasonOf(error)}`);
      return false;
    }
  }
}
