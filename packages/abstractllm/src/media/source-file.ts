import { readFile, stat } from "node:fs/promises";
import { ownOptions } from "../config/own-options.ts";
import type { MediaSource } from "../interface/media-source.ts";
import { MediaProblem } from "./media-problem.ts";
import { mimeTypeOfName, normalizeMimeType } from "./media-types.ts";
import { type ParsedSource, parseSource } from "./parse-source.ts";
import { sniffMimeType } from "./sniff-mime-type.ts";

/** How a source may be read. */
export interface ReadOptions {
  /** Download from private networks and this machine too. Default false. */
  readonly allowPrivateUrls?: boolean | undefined;
  /** What the content is, where the caller knows better than its name. */
  readonly mimeType?: string | undefined;
}

/** A source and, once it was asked for, its content. */
export class SourceFile {
  readonly source: ParsedSource;
  readonly #allowPrivateUrls: boolean;
  #declared: string | undefined;
  #bytes: Uint8Array | undefined;
  /** What the content shows, found out once. */
  #shown: { readonly mimeType: string | undefined } | undefined;

  /** @throws {MediaProblem} for a form of source that is not known */
  constructor(source: MediaSource, options: ReadOptions = {}) {
    const { allowPrivateUrls = false, mimeType } = ownOptions(options);
    this.source = parseSource(source);
    this.#allowPrivateUrls = allowPrivateUrls;
    this.#declared = normalizeMimeType(mimeType) ?? this.source.mimeType;
    const { origin } = this.source;
    if (origin.kind === "bytes") this.#bytes = origin.bytes;
  }

  /** The address, where this is one that a service could fetch itself. */
  get url(): string | undefined {
    const { origin } = this.source;
    return origin.kind === "url" ? origin.url.href : undefined;
  }

  /** The type by content where it was read and shows one, else as declared, else by name. */
  get mimeType(): string | undefined {
    if (this.#bytes !== undefined) this.#shown ??= { mimeType: sniffMimeType(this.#bytes) };
    return this.#shown?.mimeType ?? this.#declared ?? mimeTypeOfName(this.source.name);
  }

  /**
   * The content; read once, and kept.
   *
   * @throws {MediaProblem} when it cannot be read or is longer than `maxBytes`
   */
  async read(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    this.#bytes ??= await this.#fetch(maxBytes, signal);
    if (this.#bytes.length > maxBytes) throw tooLong(this.#bytes.length, maxBytes);
    return this.#bytes;
  }

  async #fetch(maxBytes: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const { origin } = this.source;
    switch (origin.kind) {
      case "bytes":
        return origin.bytes;
      case "blob":
        if (origin.blob.size > maxBytes) throw tooLong(origin.blob.size, maxBytes);
        return new Uint8Array(await origin.blob.arrayBuffer());
      case "path":
        return readPath(origin.path, maxBytes, signal);
      case "url": {
        const { download } = await import("./download/index.ts");
        const limits = { maxBytes, signal, allowPrivate: this.#allowPrivateUrls };
        const { bytes, mimeType } = await download(origin.url, limits);
        this.#declared ??= normalizeMimeType(mimeType);
        return bytes;
      }
    }
  }
}

async function readPath(
  path: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new MediaProblem("it is a folder");
    if (!found.isFile()) throw new MediaProblem("it is no regular file"); // a pipe or device may never end
    if (found.size > maxBytes) throw tooLong(found.size, maxBytes);
    return await readFile(path, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof MediaProblem ? error : new MediaProblem(problemOf(error), { cause: error });
  }
}

function problemOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    default:
      return (error as Error).message;
  }
}

const tooLong = (length: number, maxBytes: number): MediaProblem =>
  new MediaProblem(`it has ${length} bytes, at most ${maxBytes} are read`);
