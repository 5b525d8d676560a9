/**
 * A file of one evaluated sequence: safetensors, so that anybody can look into it. Its tensors are the arrays of all caches
 * by number, and behind them `checksum`: CRC-32 of the metadata `prefix` and the data of the tensors before.
 */
import { closeSync, openSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { CacheSnapshot } from "../../cache/index.ts";
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { isObject } from "../../load/is-object.ts";
import { loadedDtype, storedDtype } from "../../load/stored-dtypes.ts";
import {
  type ByteReader,
  failWeights,
  MAX_STRING_BYTES,
  parseSafetensorsHeader,
  type TensorSource,
  type WrittenTensor,
  withFileReader,
  writeSafetensors,
} from "../../weights/index.ts";
import type { EvaluatedSequence, PrefixKey } from "../evaluated-sequence.ts";

/** What a file says of its sequence; the adapter is the folder's. */
type Told = Pick<EvaluatedSequence, "key" | "promptLength" | "isTrimmable">;

/** A snapshot whose arrays are numbers of tensors. */
interface StoredSnapshot {
  readonly arrays: readonly (number | null)[];
  readonly counts: readonly number[];
  readonly parts: readonly StoredSnapshot[];
}

const CHECKSUM = "checksum";
const MAX_PARTS_DEPTH = 4; // lists of lists of caches: no model has more than one (CWE-674)

/** A file's header. */
interface Header extends Told {
  readonly layers: readonly StoredSnapshot[];
  readonly tensors: ReadonlyMap<string, TensorSource>;
  /** The metadata that all of this was read from, its text. */
  readonly prefix: string;
}

/** The checksum of what came before with `bytes` behind it; zlib starts anew where there are none. */
const extended = (checksum: number, bytes: Uint8Array): number =>
  bytes.byteLength === 0 ? checksum : crc32(bytes, checksum);

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

const isKey = (value: unknown): value is PrefixKey =>
  Array.isArray(value) && value.length > 0 && value.every((at) => isWhole(at) || typeof at === "string");

const isSnapshot = (value: unknown, depth = 0): value is StoredSnapshot => {
  if (!isObject(value) || depth > MAX_PARTS_DEPTH) return false;
  const { arrays, counts, parts } = value;
  const areLists = Array.isArray(arrays) && Array.isArray(counts) && Array.isArray(parts);
  return (
    areLists &&
    arrays.every((at) => at === null || isWhole(at)) &&
    counts.every(isWhole) &&
    parts.every((part) => isSnapshot(part, depth + 1))
  );
};

const parsePrefix = (path: string, prefix: string): Told & Pick<Header, "layers"> => {
  let value: unknown;
  try {
    value = JSON.parse(prefix);
  } catch (cause) {
    return failWeights(path, "syntax", "its prefix is not JSON", { cause });
  }
  const { key, promptLength, isTrimmable, layers } = isObject(value) ? value : {};
  const isComplete = isKey(key) && isWhole(promptLength) && typeof isTrimmable === "boolean";
  if (!isComplete || !Array.isArray(layers) || !layers.every((layer) => isSnapshot(layer)))
    return failWeights(path, "field", "its prefix is not that of a prompt");
  return { key, promptLength, isTrimmable, layers };
};

const parseHeader = (reader: ByteReader, path: string): Header => {
  const { tensors, metadata } = parseSafetensorsHeader(reader, path);
  const { prefix = "" } = metadata;
  return { ...parsePrefix(path, prefix), prefix, tensors: new Map(tensors.map((t) => [t.name, t])) };
};

/** What a file says it holds, and how many bytes. @throws {WeightsError} when it is none, or damaged */
export const readPrefixHeader = (path: string): Told & { readonly sizeBytes: number } =>
  withFileReader(path, (reader) => {
    const { key, promptLength, isTrimmable } = parseHeader(reader, path);
    return { key, promptLength, isTrimmable, sizeBytes: reader.size };
  });

/** The arrays of a file, by their numbers. @throws {WeightsError} unless all of it is as it was written */
const readArrays = (reader: ByteReader, path: string, { tensors, prefix }: Header): Map<number, MxArray> => {
  const arrays = new Map<number, MxArray>();
  let checksum = crc32(prefix);
  let stated: number | undefined;
  for (const [name, { offset, byteLength, dtype, shape }] of tensors) {
    const bytes = reader.read(offset, byteLength);
    if (name === CHECKSUM) {
      stated = byteLength === 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : undefined;
      break;
    }
    checksum = extended(checksum, bytes);
    const loaded = loadedDtype(dtype) ?? failWeights(path, "dtype", `holds ${dtype}, which MLX has not`);
    arrays.set(Number(name), mx.fromRawBytes(bytes, shape, loaded));
  }
  return stated === checksum
    ? arrays
    : failWeights(path, "mismatch", "has not the checksum it was written with");
};

const restored = (
  path: string,
  stored: StoredSnapshot,
  arrays: ReadonlyMap<number, MxArray>,
): CacheSnapshot => ({
  arrays: stored.arrays.map((at) =>
    at === null ? undefined : (arrays.get(at) ?? failWeights(path, "field", `has no tensor ${at}`)),
  ),
  counts: stored.counts,
  parts: stored.parts.map((part) => restored(path, part, arrays)),
});

/**
 * Reads a file, in a scope that frees the arrays nobody keeps.
 *
 * @throws {WeightsError} when it is none, or not as it was written
 */
export const readPrefix = (path: string): Told & { readonly layers: readonly CacheSnapshot[] } =>
  withFileReader(path, (reader) => {
    const header = parseHeader(reader, path);
    const arrays = readArrays(reader, path, header);
    const { key, promptLength, isTrimmable, layers } = header;
    return { key, promptLength, isTrimmable, layers: layers.map((layer) => restored(path, layer, arrays)) };
  });

/** Puts a snapshot's arrays behind others; their numbers stand for them. */
const numbered = (snapshot: CacheSnapshot, arrays: MxArray[]): StoredSnapshot => ({
  arrays: snapshot.arrays.map((array) => (array === undefined ? null : arrays.push(array) - 1)),
  counts: snapshot.counts,
  parts: snapshot.parts.map((part) => numbered(part, arrays)),
});

/**
 * Writes a file that must not be there yet, for its owner alone.
 *
 * @throws {WeightsError} for what no reader would accept
 * @throws the file system's errors
 */
export const writePrefix = (path: string, told: Told, layers: readonly CacheSnapshot[]): void => {
  const arrays: MxArray[] = [];
  const { key, promptLength, isTrimmable } = told;
  const prefix = JSON.stringify({
    key,
    promptLength,
    isTrimmable,
    layers: layers.map((layer) => numbered(layer, arrays)),
  });
  if (JSON.stringify(prefix).length > MAX_STRING_BYTES)
    failWeights(path, "limit", "would be of too long a prompt");
  let checksum = crc32(prefix);
  const tensors = arrays.map((array, i): WrittenTensor => {
    const { dtype, shape, nbytes } = array;
    const stored = storedDtype(dtype) ?? failWeights(path, "dtype", `would hold ${dtype.name}`);
    const bytes = (): Uint8Array => {
      const raw = array.toRawBytes();
      checksum = extended(checksum, raw);
      return raw;
    };
    return { name: String(i), dtype: stored, shape, byteLength: nbytes, bytes };
  });
  const last: WrittenTensor = {
    name: CHECKSUM,
    dtype: "U32",
    shape: [1],
    byteLength: 4,
    bytes: () => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, checksum, true);
      return bytes;
    },
  };
  const file = openSync(path, "wx", 0o600);
  try {
    writeSafetensors(file, [...tensors, last], { prefix });
  } finally {
    closeSync(file);
  }
};
