import type { GgufCursor } from "./gguf-cursor.ts";
import {
  MAX_GGUF_ARRAY_DEPTH,
  MAX_GGUF_ELEMENTS,
  MAX_GGUF_KEY_BYTES,
  MAX_GGUF_METADATA_BYTES,
  MAX_STRING_BYTES,
} from "./limits.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

/** Numbers of one metadata array, as the file has them; 64-bit integers are `number`, or `bigint` over 2^53. */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | (number | bigint)[];

/** A metadata value. 64-bit integers are `number`, or `bigint` when over 2^53 - 1. */
export type GgufValue = string | number | bigint | boolean | string[] | boolean[] | GgufNumbers | GgufValue[];

const UINT32 = 4;
const BOOL = 7;
const STRING = 8;
const ARRAY = 9;
const ALIGNMENT_KEY = "general.alignment";
const DEFAULT_ALIGNMENT = 32;

/** Bytes that one element takes at least, by type number: what bounds a count before anything is allocated. */
const ELEMENT_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/** Reads the metadata pairs and the alignment they declare. */
export function readGgufMetadata(
  cursor: GgufCursor,
  pairs: number,
): { metadata: Map<string, GgufValue>; alignment: number } {
  const reader = new ValueReader(cursor);
  const metadata = new Map<string, GgufValue>();
  let alignment = DEFAULT_ALIGNMENT;
  for (let i = 0; i < pairs; i++) {
    const key = cursor.string("a metadata key", MAX_GGUF_KEY_BYTES);
    if (key === "") failWeights(cursor.path, "syntax", "a metadata key is empty");
    if (metadata.has(key))
      failWeights(cursor.path, "duplicate", `metadata key ${quoteName(key)} appears twice`);
    const type = cursor.u32();
    const value = reader.value(key, type);
    if (key === ALIGNMENT_KEY) alignment = checkAlignment(type, value, cursor.path);
    metadata.set(key, value);
  }
  return { metadata, alignment };
}

function checkAlignment(type: number, value: GgufValue, path: string): number {
  if (type !== UINT32 || typeof value !== "number") {
    return failWeights(path, "field", `${ALIGNMENT_KEY} should be of type uint32, not of type ${type}`);
  }
  const isPowerOfTwo = value > 0 && Number.isInteger(Math.log2(value));
  if (!isPowerOfTwo) failWeights(path, "field", `${ALIGNMENT_KEY} is ${value}, not a power of two`);
  return value;
}

/** Reads values, counting elements and bytes over the whole file. */
class ValueReader {
  readonly #cursor: GgufCursor;
  readonly #start: number;
  #elements = 0;

  constructor(cursor: GgufCursor) {
    this.#cursor = cursor;
    this.#start = cursor.position;
  }

  value(key: string, type: number, depth = 0): GgufValue {
    if (this.#cursor.position - this.#start > MAX_GGUF_METADATA_BYTES) {
      failWeights(this.#cursor.path, "limit", `has more than ${MAX_GGUF_METADATA_BYTES} bytes of metadata`);
    }
    if (type === STRING) return this.#cursor.string(`metadata ${quoteName(key)}`, MAX_STRING_BYTES);
    if (type === ARRAY) return this.#array(key, depth + 1);
    return this.#scalar(key, type);
  }

  #scalar(key: string, type: number): number | bigint | boolean {
    const cursor = this.#cursor;
    if (type === 0) return cursor.u8();
    if (type === 1) return cursor.i8();
    if (type === 2) return cursor.u16();
    if (type === 3) return cursor.i16();
    if (type === UINT32) return cursor.u32();
    if (type === 5) return cursor.i32();
    if (type === 6) return cursor.f32();
    if (type === BOOL) return cursor.u8() !== 0;
    if (type === 10) return narrow(cursor.u64());
    if (type === 11) return narrow(cursor.i64());
    if (type === 12) return cursor.f64();
    return failWeights(cursor.path, "syntax", `metadata ${quoteName(key)} has the unknown type ${type}`);
  }

  #array(key: string, depth: number): GgufValue {
    const cursor = this.#cursor;
    const quoted = quoteName(key);
    if (depth > MAX_GGUF_ARRAY_DEPTH) {
      failWeights(
        cursor.path,
        "limit",
        `metadata ${quoted} nests arrays deeper than ${MAX_GGUF_ARRAY_DEPTH}`,
      );
    }
    const type = cursor.u32();
    const elementBytes = ELEMENT_BYTES[type];
    if (elementBytes === undefined) {
      return failWeights(cursor.path, "syntax", `metadata ${quoted} is an array of the unknown type ${type}`);
    }
    const count = cursor.count(`the length of array ${quoted}`, MAX_GGUF_ELEMENTS - this.#elements);
    if (count * elementBytes > cursor.remaining) {
      failWeights(
        cursor.path,
        "truncated",
        `metadata ${quoted} declares ${count} elements, past the end of the file`,
      );
    }
    this.#elements += count;
    if (type === STRING) return this.#strings(quoted, count);
    if (type === ARRAY) return Array.from({ length: count }, () => this.#array(key, depth + 1));
    return this.#numbers(key, type, count, elementBytes);
  }

  #strings(quoted: string, count: number): string[] {
    const strings = new Array<string>(count);
    const what = `a string in ${quoted}`;
    for (let i = 0; i < count; i++) strings[i] = this.#cursor.string(what, MAX_STRING_BYTES);
    return strings;
  }

  #numbers(key: string, type: number, count: number, elementBytes: number): boolean[] | GgufNumbers {
    if (type === BOOL) return Array.from(this.#cursor.bytes(count), (byte) => byte !== 0);
    if (type === 10 || type === 11) {
      return Array.from({ length: count }, () => this.#scalar(key, type) as number | bigint);
    }
    // a copy starts at 0 of its own buffer, so every element size is aligned
    const { buffer } = this.#cursor.bytes(count * elementBytes);
    if (type === 0) return new Uint8Array(buffer);
    if (type === 1) return new Int8Array(buffer);
    if (type === 2) return new Uint16Array(buffer);
    if (type === 3) return new Int16Array(buffer);
    if (type === UINT32) return new Uint32Array(buffer);
    if (type === 5) return new Int32Array(buffer);
    return type === 6 ? new Float32Array(buffer) : new Float64Array(buffer);
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
