import { type ByteReader, withFileReader } from "./byte-reader.ts";
import { describeForeignMagic, MAGIC_BYTES, refuseForeignExtension } from "./file-magic.ts";
import { GgufCursor } from "./gguf-cursor.ts";
import { type GgufValue, readGgufMetadata } from "./gguf-metadata.ts";
import { type GgufType, ggufBlock, ggufTypeById, removedGgufType } from "./gguf-types.ts";
import {
  MAX_DIMENSION,
  MAX_GGUF_DIMENSIONS,
  MAX_GGUF_PAIRS,
  MAX_GGUF_TENSOR_NAME_BYTES,
  MAX_TENSORS,
} from "./limits.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

const MAGIC = 0x46554747; // "GGUF"
const MIN_TENSOR_INFO_BYTES = 24;

/** A tensor of a GGUF file, proven: its bytes are inside the file, aligned, and of no other tensor. */
export interface GgufTensor {
  name: string;
  path: string;
  type: GgufType;
  /** As GGUF has it: the fastest-varying dimension first. */
  dims: number[];
  /** Row-major, as MLX and NumPy have it: `dims` reversed. */
  shape: number[];
  /** From the start of the file, in bytes. */
  offset: number;
  byteLength: number;
}

/** A proven GGUF file. */
export interface GgufFile {
  path: string;
  version: 2 | 3;
  /** Alignment of tensor data, in bytes. */
  alignment: number;
  metadata: Map<string, GgufValue>;
  tensors: GgufTensor[];
}

/**
 * Reads and proves the metadata and tensor list of a GGUF file, versions 2 and 3, little-endian; tensor data is
 * not read. Every count is checked against the file's size before anything is allocated for it.
 *
 * @throws {WeightsError} with `details.problem` when the file is damaged, hostile or another format
 */
export function readGguf(path: string): GgufFile {
  refuseForeignExtension(path);
  return withFileReader(path, (reader) => parseGguf(reader, path));
}

/** `readGguf` on anything that can be read; `path` is for messages and the returned tensors. */
export function parseGguf(reader: ByteReader, path: string): GgufFile {
  const cursor = new GgufCursor(reader, path);
  const version = readVersion(reader, cursor);
  const tensorCount = cursor.count("the number of tensors", MAX_TENSORS);
  const pairCount = cursor.count("the number of metadata pairs", MAX_GGUF_PAIRS);
  const { metadata, alignment } = readGgufMetadata(cursor, pairCount);
  return { path, version, alignment, metadata, tensors: readTensors(cursor, tensorCount, alignment) };
}

function readVersion(reader: ByteReader, cursor: GgufCursor): 2 | 3 {
  const { path } = cursor;
  if (reader.size < 8) failWeights(path, "truncated", `is ${reader.size} bytes, too short for a GGUF file`);
  if (cursor.u32() !== MAGIC) {
    const foreign = describeForeignMagic(reader.read(0, Math.min(reader.size, MAGIC_BYTES)));
    failWeights(path, "foreign-format", foreign ?? "is not a GGUF file: it does not start with GGUF");
  }
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  if (version === 1) {
    failWeights(path, "unsupported", "is GGUF version 1, which is obsolete; take a newer file of this model");
  }
  if (version !== 0 && version % 65536 === 0) {
    failWeights(path, "unsupported", "is a big-endian GGUF file; take the little-endian one");
  }
  return failWeights(path, "unsupported", `is GGUF version ${version}; versions 2 and 3 are read`);
}

function readTensors(cursor: GgufCursor, count: number, alignment: number): GgufTensor[] {
  if (count * MIN_TENSOR_INFO_BYTES > cursor.remaining) {
    cursor.fail("truncated", `declares ${count} tensors, past the end of the file. Download it again.`);
  }
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  let expected = 0;
  for (let i = 0; i < count; i++) {
    const tensor = readTensor(cursor);
    if (names.has(tensor.name)) cursor.fail("duplicate", "this tensor is declared twice");
    names.add(tensor.name);
    if (tensor.offset !== expected) {
      cursor.fail("offset", `this tensor lies at ${tensor.offset} but should start at ${expected}`);
    }
    expected = alignUp(tensor.offset + tensor.byteLength, alignment);
    tensors.push(tensor);
  }
  const dataStart = alignUp(cursor.position, alignment);
  for (const tensor of tensors) placeTensor(tensor, dataStart, cursor.size);
  return tensors;
}

/** Moves a tensor's offset from the start of the data to the start of the file, and proves that it ends inside. */
function placeTensor(tensor: GgufTensor, dataStart: number, size: number): void {
  tensor.offset += dataStart;
  const end = tensor.offset + tensor.byteLength;
  if (end <= size) return;
  const message = `tensor ${quoteName(tensor.name)} ends at byte ${end} but the file has ${size}. Download it again.`;
  failWeights(tensor.path, "truncated", message);
}

/** Reads one tensor's description; its offset is still from the start of the data. */
function readTensor(cursor: GgufCursor): GgufTensor {
  cursor.context = "";
  const name = cursor.string("a tensor name", MAX_GGUF_TENSOR_NAME_BYTES);
  cursor.context = name;
  const rank = cursor.u32();
  if (rank > MAX_GGUF_DIMENSIONS) {
    cursor.fail("limit", `this tensor has ${rank} dimensions; ggml has ${MAX_GGUF_DIMENSIONS}`);
  }
  const dims: number[] = [];
  for (let i = 0; i < rank; i++) dims.push(cursor.count("a dimension", MAX_DIMENSION));
  const type = readType(cursor);
  const offset = cursor.count("the offset", Number.MAX_SAFE_INTEGER);
  const byteLength = byteSize(type, dims, cursor);
  return { name, path: cursor.path, type, dims, shape: [...dims].reverse(), offset, byteLength };
}

function readType(cursor: GgufCursor): GgufType {
  const id = cursor.u32();
  const type = ggufTypeById(id);
  if (type !== undefined) return type;
  const removed = removedGgufType(id);
  const what = removed === undefined ? `the unknown type ${id}` : `type ${removed}, which ggml has removed`;
  return cursor.fail("dtype", `this tensor has ${what}`);
}

function byteSize(type: GgufType, dims: readonly number[], cursor: GgufCursor): number {
  const block = ggufBlock(type);
  const rowLength = dims[0] ?? 1;
  if (rowLength % block.size !== 0) {
    cursor.fail("shape", `this ${type} tensor has rows of ${rowLength}, not a multiple of ${block.size}`);
  }
  let bytes = (rowLength / block.size) * block.bytes;
  for (const dimension of dims.slice(1)) {
    bytes *= dimension;
    if (bytes > Number.MAX_SAFE_INTEGER) {
      cursor.fail("limit", `this tensor of shape [${dims.join(", ")}] is over 2^53 bytes`);
    }
  }
  return bytes;
}

/** Exact for every offset up to 2^53, where bit operations would wrap. */
function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
