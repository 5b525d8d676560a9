import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, ifPresent } from "./fs-errors.ts";
import type { HubContext } from "./hub-context.ts";

/**
 * A blob on its way: `<etag>.node-<id>.incomplete` beside the finished ones.
 *
 * The name belongs to one writer; who goes on with an abandoned one renames it first, which only one can. Bytes are
 * written at their own positions and never cut off in place, so even a writer that lost its lock cannot damage them.
 */
export class PartialFile {
  readonly path: string;
  readonly #context: HubContext;
  #handle: FileHandle;
  #size: number;

  private constructor(context: HubContext, path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#context = context;
    this.#handle = handle;
    this.#size = size;
  }

  /** Bytes that have arrived. */
  get size(): number {
    return this.#size;
  }

  /** Goes on with the longest abandoned partial file of the blob that is not too long, or starts a new one. */
  static async claim(context: HubContext, folder: string, etag: string, most: number): Promise<PartialFile> {
    const path = join(folder, `${etag}.node-${randomBytes(6).toString("hex")}.incomplete`);
    for (const { found, size } of await abandoned(context, folder, etag)) {
      if (size === 0 || size > most || !(await claimed(context, found, path))) continue;
      return new PartialFile(context, path, await context.fs.open(path, "r+"), size);
    }
    return new PartialFile(context, path, await context.fs.open(path, "wx"), 0);
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.byteLength; ) {
      const left = chunk.byteLength - written;
      const { bytesWritten } = await this.#handle.write(chunk, written, left, this.#size);
      written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Throws away what has arrived. */
  async restart(): Promise<void> {
    await this.close();
    await this.#context.fs.rm(this.path, { force: true });
    this.#handle = await this.#context.fs.open(this.path, "wx");
    this.#size = 0;
  }

  /** Puts everything on the disk, so that a power cut after the rename leaves no hole. */
  async flush(): Promise<void> {
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Removes every partial file of a blob, once the blob is there or the file turned out bad. */
export async function removePartials(context: HubContext, folder: string, etag: string): Promise<void> {
  for (const { found } of await abandoned(context, folder, etag)) {
    await context.fs.rm(found, { force: true });
  }
}

/** Bytes of the longest partial file of a blob. */
export async function partialBytes(context: HubContext, folder: string, etag: string): Promise<number> {
  const [longest] = await abandoned(context, folder, etag);
  return longest?.size ?? 0;
}

async function abandoned(context: HubContext, folder: string, etag: string) {
  const names = (await ifPresent(context.fs.readdir(folder))) ?? [];
  const partials: { found: string; size: number }[] = [];
  for (const name of names) {
    if (!name.startsWith(`${etag}.node-`) || !name.endsWith(".incomplete")) continue;
    const found = join(folder, name);
    const stats = await ifPresent(context.fs.stat(found));
    if (stats) partials.push({ found, size: stats.size });
  }
  return partials.sort((a, b) => b.size - a.size);
}

async function claimed(context: HubContext, found: string, path: string): Promise<boolean> {
  try {
    await context.fs.rename(found, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}
