import type { GgufCursor } from "./gguf-cursor.ts";
import {
  GGUF_NESTED_ARRAY_COST,
  MAX_GGUF_ARRAY_DEPTH,
  MAX_GGUF_ELEMENTS,
  MAX_GGUF_KEY_BYTES,
  MAX_GGUF_METADATA_BYTES,
  MAX_STRING_BYTES,
} from "./limits.ts";

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
    cursor.context = "";
    const key = cursor.string("a metadata key", MAX_GGUF_KEY_BYTES);
    if (key === "") cursor.fail("syntax", "a metadata key is empty");
    cursor.context = key;
    if (metadata.has(key)) cursor.fail("duplicate", "this metadata key appears twice");
    const type = cursor.u32();
    const value = reader.value(type, 0);
    if (key === ALIGNMENT_KEY) alignment = checkAlignment(type, value, cursor);
    metadata.set(key, value);
  }
  cursor.context = "";
  return { metadata, alignment };
}

function checkAlignment(type: number, value: GgufValue, cursor: GgufCursor): number {
  if (type !== UINT32 || typeof value !== "number")
    return cursor.fail("field", `is not of type uint32 but of ${type}`);
  const isPowerOfTwo = value > 0 && Number.isInteger(Math.log2(value));
  return isPowerOfTwo ? value : cursor.fail("field", `is ${value}, not a power of two`);
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

  value(type: number, depth: number): GgufValue {
    if (this.#cursor.position - this.#start > MAX_GGUF_METADATA_BYTES) {
      this.#cursor.fail("limit", `there are more than ${MAX_GGUF_METADATA_BYTES} bytes of metadata`);
    }
    if (type === STRING) return this.#cursor.string("a string", MAX_STRING_BYTES);
    if (type === ARRAY) return this.#array(depth + 1);
    return this.#scalar(type);
  }

  #scalar(type: number): number | bigint | boolean {
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
    return cursor.fail("syntax", `has the unknown type ${type}`);
  }

  #array(depth: number): GgufValue {
    const cursor = this.#cursor;
    if (depth > MAX_GGUF_ARRAY_DEPTH) {
      cursor.fail("limit", `nests arrays deeper than ${MAX_GGUF_ARRAY_DEPTH}`);
    }
    const type = cursor.u32();
    const elementBytes = ELEMENT_BYTES[type];
    if (elementBytes === undefined) return cursor.fail("syntax", `is an array of the unknown type ${type}`);
    const cost = type === ARRAY ? GGUF_NESTED_ARRAY_COST : 1;
    const count = cursor.count(
      "the length of an array",
      Math.floor((MAX_GGUF_ELEMENTS - this.#elements) / cost),
    );
    if (count * elementBytes > cursor.remaining) {
      cursor.fail("truncated", `declares ${count} elements, past the end of the file. Download it again.`);
    }
    this.#elements += count * cost;
    if (type === STRING || type === ARRAY) return this.#values(type, count, depth);
    return this.#numbers(type, count, elementBytes);
  }

  #values(type: number, count: number, depth: number): GgufValue[] {
    const values = new Array<GgufValue>(count);
    for (let i = 0; i < count; i++) values[i] = this.value(type, depth);
    return values;
  }

  #numbers(type: number, count: number, elementBytes: number): boolean[] | GgufNumbers {
    if (type === BOOL) return Array.from(this.#cursor.bytes(count), (byte) => byte !== 0);
    if (type === 10 || type === 11) {
      return Array.from({ length: count }, () => this.#scalar(type) as number | bigint);
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
