import { isUtf8 } from "node:buffer";
import { type ByteReader, withFileReader } from "./byte-reader.ts";
import { describeForeignMagic, MAGIC_BYTES, refuseForeignExtension } from "./file-magic.ts";
import { JsonScanner } from "./json-scanner.ts";
import { MAX_DIMENSION, MAX_DIMENSIONS, MAX_SAFETENSORS_HEADER_BYTES, MAX_TENSORS } from "./limits.ts";
import { isStoredDtype, STORED_DTYPES, type StoredDtype, storedDtypeBits } from "./stored-dtype.ts";
import type { TensorSource } from "./tensor-source.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

const LENGTH_BYTES = 8;
const METADATA_KEY = "__metadata__";

/** The proven content of a safetensors header. */
export interface SafetensorsHeader {
  /** In the order of their data. */
  tensors: TensorSource[];
  /** The file's `__metadata__`, without a prototype; empty when there is none. */
  metadata: Record<string, string>;
}

/** A tensor as declared: offsets still from the start of the data, nothing proven. */
interface Declared {
  name: string;
  dtype: StoredDtype;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * Reads and proves the header of a safetensors file; tensor data is not read. At least as strict as the reference
 * implementation: offsets are contiguous and cover the whole file, sizes fit dtype and shape. In addition duplicate
 * keys are refused, and shapes that MLX cannot hold.
 *
 * @throws {WeightsError} with `details.problem` when the file is damaged, hostile or another format
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  refuseForeignExtension(path);
  return withFileReader(path, (reader) => parseSafetensorsHeader(reader, path));
}

/** `readSafetensorsHeader` on anything that can be read; `path` is for messages and the returned sources. */
export function parseSafetensorsHeader(reader: ByteReader, path: string): SafetensorsHeader {
  const length = headerLength(reader, path);
  const bytes = reader.read(LENGTH_BYTES, length);
  if (!isUtf8(bytes)) failWeights(path, "encoding", "the safetensors header is not UTF-8");
  const { declared, metadata } = scanHeader(new JsonScanner(bytes, path), path);
  const dataStart = LENGTH_BYTES + length;
  return { tensors: prove(declared, dataStart, reader.size - dataStart, path), metadata };
}

function headerLength(reader: ByteReader, path: string): number {
  const head = reader.read(0, Math.min(reader.size, MAGIC_BYTES));
  if (head.byteLength < LENGTH_BYTES) {
    failWeights(
      path,
      "truncated",
      `is ${reader.size} bytes, too short for a safetensors file. Download it again.`,
    );
  }
  const length = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
  if (length <= MAX_SAFETENSORS_HEADER_BYTES && Number(length) <= reader.size - LENGTH_BYTES)
    return Number(length);
  const foreign = describeForeignMagic(head);
  if (foreign !== undefined) failWeights(path, "foreign-format", foreign);
  if (length > MAX_SAFETENSORS_HEADER_BYTES) {
    failWeights(
      path,
      "limit",
      `declares a header of ${length} bytes; at most ${MAX_SAFETENSORS_HEADER_BYTES} are read`,
    );
  }
  return failWeights(
    path,
    "truncated",
    `declares a header of ${length} bytes but the file has ${reader.size}. Download it again.`,
  );
}

function scanHeader(
  json: JsonScanner,
  path: string,
): { declared: Declared[]; metadata: Record<string, string> } {
  const declared: Declared[] = [];
  const names = new Set<string>();
  let metadata: Record<string, string> = Object.create(null);
  json.readObject("the header", (name) => {
    if (names.has(name)) failWeights(path, "duplicate", `${quoteName(name)} is declared twice in the header`);
    names.add(name);
    if (name === METADATA_KEY) {
      metadata = scanMetadata(json, path);
      return;
    }
    if (declared.length >= MAX_TENSORS)
      failWeights(path, "limit", `declares more than ${MAX_TENSORS} tensors`);
    declared.push(scanTensor(json, name, path));
  });
  json.expectEnd();
  return { declared, metadata };
}

function scanMetadata(json: JsonScanner, path: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (json.takeNull()) return metadata;
  json.readObject(METADATA_KEY, (key) => {
    if (Object.hasOwn(metadata, key))
      failWeights(path, "duplicate", `metadata key ${quoteName(key)} appears twice`);
    metadata[key] = json.readString("a metadata value");
  });
  return metadata;
}

function scanTensor(json: JsonScanner, name: string, path: string): Declared {
  let dtype: StoredDtype | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const seen = new Set<string>();
  json.context = name;
  json.readObject("a tensor", (key) => {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets") {
      json.skipValue();
      return;
    }
    if (seen.has(key)) failWeights(path, "duplicate", `tensor ${quoteName(name)} has ${key} twice`);
    seen.add(key);
    if (key === "dtype") dtype = scanDtype(json, name, path);
    else if (key === "shape") shape = scanNumbers(json, name, key, MAX_DIMENSIONS, path);
    else offsets = scanNumbers(json, name, key, 2, path);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const missing = dtype === undefined ? "dtype" : shape === undefined ? "shape" : "data_offsets";
    return failWeights(path, "field", `tensor ${quoteName(name)} has no ${missing}`);
  }
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) {
    return failWeights(path, "field", `tensor ${quoteName(name)} should have two data_offsets`);
  }
  return { name, dtype, shape, begin, end };
}

function scanDtype(json: JsonScanner, name: string, path: string): StoredDtype {
  const dtype = json.readString("dtype");
  if (isStoredDtype(dtype)) return dtype;
  return failWeights(
    path,
    "dtype",
    `tensor ${quoteName(name)} has dtype ${quoteName(dtype)}; known are ${STORED_DTYPES.join(", ")}`,
  );
}

function scanNumbers(json: JsonScanner, name: string, key: string, most: number, path: string): number[] {
  const numbers: number[] = [];
  json.readArray(key, (index) => {
    if (index >= most)
      failWeights(path, "limit", `tensor ${quoteName(name)} has more than ${most} values in ${key}`);
    numbers.push(json.readUnsigned(key));
  });
  return numbers;
}

/** Proves that the tensors fill the data exactly, one after the other, and fit their dtype and shape. */
function prove(declared: Declared[], dataStart: number, dataBytes: number, path: string): TensorSource[] {
  declared.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  const tensors = declared.map(({ name, dtype, shape, begin, end }): TensorSource => {
    if (begin !== expected || end < begin) {
      failWeights(
        path,
        "offset",
        `tensor ${quoteName(name)} lies at [${begin}, ${end}] but should start at ${expected}`,
      );
    }
    const bytes = byteSize(dtype, shape, name, path);
    if (end - begin !== bytes) {
      const stated = `${dtype} [${shape.join(", ")}]`;
      failWeights(
        path,
        "size",
        `tensor ${quoteName(name)} has ${end - begin} bytes but ${stated} needs ${bytes}`,
      );
    }
    expected = end;
    return { name, path, offset: dataStart + begin, byteLength: bytes, dtype, shape };
  });
  if (expected > dataBytes) {
    failWeights(
      path,
      "truncated",
      `has ${dataBytes} of the ${expected} bytes of data it declares. Download it again.`,
    );
  }
  if (expected < dataBytes) {
    failWeights(
      path,
      "offset",
      `has ${dataBytes - expected} bytes after the last tensor that belong to none`,
    );
  }
  return tensors;
}

function byteSize(dtype: StoredDtype, shape: readonly number[], name: string, path: string): number {
  let bits = storedDtypeBits(dtype);
  for (const dimension of shape) {
    if (dimension > MAX_DIMENSION) {
      failWeights(
        path,
        "limit",
        `tensor ${quoteName(name)} has a dimension of ${dimension}; MLX holds at most ${MAX_DIMENSION}`,
      );
    }
    bits *= dimension;
    if (bits > Number.MAX_SAFE_INTEGER) {
      failWeights(
        path,
        "limit",
        `tensor ${quoteName(name)} of shape [${shape.join(", ")}] is over 2^53 bits`,
      );
    }
  }
  // a fraction, for sub-byte dtypes that end inside a byte, equals no number of bytes
  return bits / 8;
}
