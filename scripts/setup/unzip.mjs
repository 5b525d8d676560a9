import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough, Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { SetupError } from "./setup-error.mjs";

const endSignature = 0x06054b50;
const endSize = 22;
/** The archive comment is at most 64 KiB, so the end record lies within this many bytes of the end. */
const endSearchSize = endSize + 0xffff;
const directorySignature = 0x02014b50;
const directoryRecordSize = 46;
const localSignature = 0x04034b50;
const localHeaderSize = 30;
/** In place of an offset: the real one is in a zip64 record, for archives over 4 GiB. */
const inZip64 = 0xffffffff;
const stored = 0;
const deflated = 8;

/**
 * One file of an archive.
 *
 * @typedef {object} ZipEntry
 * @property {string} name - path inside the archive, `/`-separated
 * @property {number} method - 0 stored, 8 deflated
 * @property {number} crc
 * @property {number} packedBytes
 * @property {number} sizeBytes
 * @property {number} mode - Unix permission bits, 0 when the archive has none
 * @property {number} headerOffset - of its local header, which precedes its bytes
 */

/** @typedef {ZipEntry & { dataOffset: number }} PlacedEntry - with where its packed bytes begin */

/**
 * Unpacks a zip file (a Python wheel is one), checking every size and checksum.
 *
 * @param {string} archive - path of the zip file
 * @param {string} folder - where the files go
 * @param {(name: string) => boolean} [keep] - which entries to write; default all
 * @returns {Promise<string[]>} paths written
 * @throws {SetupError} when the archive is damaged or a name would leave the folder
 */
export async function unzip(archive, folder, keep = () => true) {
  const written = [];
  for (const entry of await readEntries(archive)) {
    if (entry.name.endsWith("/") || !keep(entry.name)) continue;
    const path = join(folder, safeName(archive, entry.name));
    await mkdir(dirname(path), { recursive: true });
    await extract(archive, entry, path);
    written.push(path);
  }
  return written;
}

/** @param {string} archive @param {string} name */
function safeName(archive, name) {
  const isSafe = !/^[/\\]|^[a-z]:|[\\\0]/i.test(name) && !name.split("/").includes("..");
  if (!isSafe) throw damaged(archive, `entry ${JSON.stringify(name)} would be written outside its folder`);
  return name;
}

/** @param {string} archive @returns {Promise<PlacedEntry[]>} */
async function readEntries(archive) {
  const file = await open(archive);
  try {
    const { size } = await file.stat();
    /** @param {number} position @param {number} length */
    const read = async (position, length) =>
      (await file.read(Buffer.alloc(length), 0, length, position)).buffer.subarray(0, length);
    const tailSize = Math.min(size, endSearchSize);
    const end = findEnd(await read(size - tailSize, tailSize));
    if (end === undefined)
      throw damaged(archive, "it has no directory, so it is incomplete or not a zip file");
    const [count, directorySize, offset] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
    if (offset === inZip64 || count === 0xffff)
      throw damaged(archive, "it is in zip64 format, which is not read here");
    if (offset + directorySize > size) throw damaged(archive, "its directory lies outside the file");
    const entries = parseDirectory(archive, await read(offset, directorySize), count);
    return await Promise.all(
      entries.map(async (entry) => ({ ...entry, dataOffset: await dataOffset(archive, entry, read, size) })),
    );
  } finally {
    await file.close();
  }
}

/** @param {Buffer} tail @returns {Buffer | undefined} the end record */
function findEnd(tail) {
  for (let at = tail.length - endSize; at >= 0; at--) {
    if (tail.readUInt32LE(at) === endSignature) return tail.subarray(at);
  }
  return undefined;
}

/**
 * @param {string} archive
 * @param {Buffer} directory
 * @param {number} count
 * @returns {ZipEntry[]}
 */
function parseDirectory(archive, directory, count) {
  const entries = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + directoryRecordSize > directory.length || directory.readUInt32LE(at) !== directorySignature) {
      throw damaged(archive, `entry ${i + 1} of ${count} in its directory is not readable`);
    }
    const nameSize = directory.readUInt16LE(at + 28);
    const nameStart = at + directoryRecordSize;
    entries.push({
      name: directory.toString("utf8", nameStart, nameStart + nameSize),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o777,
      headerOffset: directory.readUInt32LE(at + 42),
    });
    at = nameStart + nameSize + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  if (at !== directory.length) throw damaged(archive, "its directory does not end where it says");
  return entries;
}

/**
 * @param {string} archive
 * @param {ZipEntry} entry
 * @param {(position: number, length: number) => Promise<Buffer>} read
 * @param {number} archiveBytes
 * @returns {Promise<number>} where the entry's bytes begin
 */
async function dataOffset(archive, entry, read, archiveBytes) {
  const header = await read(entry.headerOffset, localHeaderSize);
  if (header.readUInt32LE(0) !== localSignature) throw damaged(archive, `${entry.name} has no header`);
  const start = entry.headerOffset + localHeaderSize + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (start + entry.packedBytes > archiveBytes) throw damaged(archive, `${entry.name} lies outside the file`);
  return start;
}

/** @param {string} archive @param {PlacedEntry} entry @param {string} path */
async function extract(archive, entry, path) {
  if (entry.method !== stored && entry.method !== deflated) {
    throw damaged(archive, `${entry.name} is packed with method ${entry.method}; only 0 and 8 are read here`);
  }
  let crc = 0;
  let sizeBytes = 0;
  const check = new Transform({
    transform(chunk, _encoding, done) {
      crc = crc32(chunk, crc);
      sizeBytes += chunk.length;
      done(
        sizeBytes > entry.sizeBytes ? damaged(archive, `${entry.name} is longer than it says`) : null,
        chunk,
      );
    },
  });
  const packed =
    entry.packedBytes === 0
      ? Readable.from([])
      : createReadStream(archive, { start: entry.dataOffset, end: entry.dataOffset + entry.packedBytes - 1 });
  const unpack = entry.method === deflated ? createInflateRaw() : new PassThrough();
  const output = createWriteStream(path, { mode: entry.mode === 0 ? 0o644 : entry.mode | 0o600 });
  try {
    await pipeline(packed, unpack, check, output);
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("Z_")) {
      throw damaged(archive, `${entry.name} does not unpack (${error.message})`);
    }
    throw error;
  }
  if (sizeBytes !== entry.sizeBytes || crc !== entry.crc)
    throw damaged(archive, `${entry.name} fails its checksum`);
}

/** @param {string} archive @param {string} what */
function damaged(archive, what) {
  return new SetupError(`${archive} is damaged: ${what}. Run the same command again to download it again.`);
}
