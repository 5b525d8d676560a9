import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { failWeights } from "./weights-problem.ts";

/** Random access to bytes: a file, or a buffer in tests. */
export interface ByteReader {
  /** Bytes there are. */
  readonly size: number;
  /** Exactly `length` bytes at `offset`; the caller has checked them against `size`. */
  read(offset: number, length: number): Uint8Array;
}

/** Reads from memory, without a copy. */
export function bytesReader(bytes: Uint8Array): ByteReader {
  return { size: bytes.byteLength, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/**
 * Opens `path`, calls `use` and closes it again. Symbolic links are followed: the Hugging Face cache is made of them.
 *
 * @throws {WeightsError} when it cannot be opened or is no regular file
 */
export function withFileReader<T>(path: string, use: (reader: ByteReader) => T): T {
  const file = openFile(path);
  try {
    const info = fstatSync(file);
    if (!info.isFile()) failWeights(path, "unreadable", "is not a regular file");
    return use({ size: info.size, read: (offset, length) => readExactly(path, file, offset, length) });
  } finally {
    closeSync(file);
  }
}

function openFile(path: string): number {
  try {
    // without O_NONBLOCK, opening a pipe would wait for a writer for ever
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return failWeights(path, "missing", "there is no such file", { cause });
    return failWeights(path, "unreadable", `cannot be opened (${code ?? "unknown error"})`, { cause });
  }
}

function readExactly(path: string, file: number, offset: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const count = readSome(path, file, bytes, done, offset + done);
    if (count === 0) failWeights(path, "truncated", `ended at byte ${offset + done} while it was read`);
    done += count;
  }
  return bytes;
}

function readSome(path: string, file: number, bytes: Buffer, start: number, position: number): number {
  try {
    return readSync(file, bytes, start, bytes.length - start, position);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    return failWeights(path, "unreadable", `cannot be read at byte ${position} (${code})`, { cause });
  }
}
