import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { FileProcessingError } from "../errors/index.ts";

/** A prompt of more text than this fits no model; refusing early spares the memory. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

const IMAGE_EXTENSIONS = new Set([
  ".jpg",
  ".jpeg",
  ".png",
  ".gif",
  ".webp",
  ".bmp",
  ".tif",
  ".tiff",
  ".heic",
  ".avif",
]);

/** Files that are images, by their names, data URLs included. */
export function findImages(files: readonly string[]): string[] {
  return files.filter(
    (file) =>
      /^data:image\//i.test(file) || IMAGE_EXTENSIONS.has(extname(file.replace(/[?#].*$/, "")).toLowerCase()),
  );
}

/**
 * The text of each file.
 *
 * @throws {FileProcessingError} when a file cannot be read, is too long or is not text
 */
export async function readTextFiles(files: readonly string[], signal?: AbortSignal): Promise<string[]> {
  return Promise.all(files.map((file) => readTextFile(file, signal)));
}

async function readTextFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const bytes = await readBytes(path, signal);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FileProcessingError(
      `${basename(path)} is not UTF-8 text; only text files can be part of a prompt`,
      {
        cause,
        filePath: path,
        fileType: "binary",
      },
    );
  }
}

async function readBytes(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const refuse = (why: string, cause?: unknown) =>
    new FileProcessingError(`Cannot read the file ${path}: ${why}`, { cause, filePath: path });
  try {
    const { size } = await stat(path);
    if (size > MAX_TEXT_BYTES) throw refuse(`it has ${size} bytes, at most ${MAX_TEXT_BYTES} are read`);
    return await readFile(path, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (FileProcessingError.isInstance(error)) throw error;
    throw refuse(readProblem(error), error);
  }
}

function readProblem(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a folder";
    default:
      return (error as Error).message;
  }
}
