import { inflateRawSync } from "node:zlib";
import { MAX_UNPACKED_BYTES } from "../limits.ts";
import { MediaProblem } from "../media-problem.ts";

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;

/** The end of the directory without its comment. */
const END_BYTES = 22;

interface ZipEntry {
  readonly method: number;
  readonly packedBytes: number;
  readonly offset: number;
}

/**
 * Refuses a zip archive that unpacks to too much. Sizes in the directory may lie, so every entry is unpacked, and
 * dropped, up to the limit.
 *
 * @throws {MediaProblem} when it is damaged or too large
 * @see PKWARE APPNOTE 6.3.10, 4.3
 */
export function checkZip(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let left = MAX_UNPACKED_BYTES;
  try {
    for (const entry of readDirectory(file)) left -= unpackedBytes(file, entry, left);
  } catch (cause) {
    if (cause instanceof MediaProblem) throw cause;
    throw new MediaProblem("it is a damaged archive", { cause });
  }
}

function* readDirectory(file: Buffer): Generator<ZipEntry> {
  const end = file.lastIndexOf("PK\x05\x06", file.length - END_BYTES, "latin1");
  if (end < 0 || file.readUInt32LE(end) !== END_OF_DIRECTORY)
    throw new MediaProblem("it is a truncated archive");
  const count = file.readUInt16LE(end + 10);
  let at = file.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (file.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new MediaProblem("it is a damaged archive");
    yield {
      method: file.readUInt16LE(at + 10),
      packedBytes: file.readUInt32LE(at + 20),
      offset: file.readUInt32LE(at + 42),
    };
    at += 46 + file.readUInt16LE(at + 28) + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
}

function unpackedBytes(file: Buffer, { method, packedBytes, offset }: ZipEntry, limit: number): number {
  const start = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
  const packed = file.subarray(start, start + packedBytes);
  if (method !== DEFLATED) return packed.length;
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(limit, 1) }).length;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw cause;
    throw new MediaProblem(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`, { cause });
  }
}
