import { isUtf8 } from "node:buffer";
import type { ByteReader } from "./byte-reader.ts";
import { failWeights, quoteName, type WeightsProblem } from "./weights-problem.ts";

const WINDOW_BYTES = 1 << 18;
const TWO_32 = 2 ** 32;

/** Reads a GGUF file from front to back through a window, little-endian, never past its end. */
export class GgufCursor {
  readonly path: string;
  readonly size: number;
  /** What is being read, for messages: a name from the file, or empty. */
  context = "";
  readonly #reader: ByteReader;
  #window: Buffer = Buffer.alloc(0);
  /** Where in the file the window starts, and where in the window we are. */
  #start = 0;
  #at = 0;

  constructor(reader: ByteReader, path: string) {
    this.#reader = reader;
    this.path = path;
    this.size = reader.size;
  }

  /** Bytes from the start of the file. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.size - this.position;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#window.readUInt8(at);
  }

  i8(): number {
    const at = this.#take(1);
    return this.#window.readInt8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return this.#window.readUInt16LE(at);
  }

  i16(): number {
    const at = this.#take(2);
    return this.#window.readInt16LE(at);
  }

  u32(): number {
    const at = this.#take(4);
    return this.#window.readUInt32LE(at);
  }

  i32(): number {
    const at = this.#take(4);
    return this.#window.readInt32LE(at);
  }

  f32(): number {
    const at = this.#take(4);
    return this.#window.readFloatLE(at);
  }

  f64(): number {
    const at = this.#take(8);
    return this.#window.readDoubleLE(at);
  }

  u64(): bigint {
    const at = this.#take(8);
    return this.#window.readBigUInt64LE(at);
  }

  i64(): bigint {
    const at = this.#take(8);
    return this.#window.readBigInt64LE(at);
  }

  /** A u64 that counts something: at most `most`. */
  count(what: string, most: number): number {
    const value = this.#wholeNumber();
    if (value > most) this.fail("limit", `${what} is ${value}; at most ${most} is read`);
    return value;
  }

  /** A copy of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    // a Buffer's own slice would share memory
    return Uint8Array.prototype.slice.call(this.#window, at, at + length);
  }

  /** A string: its length as u64, then UTF-8. */
  string(what: string, most: number): string {
    const length = this.#wholeNumber();
    if (length > most) this.fail("limit", `${what} has ${length} bytes; at most ${most} are read`);
    const at = this.#take(length);
    const text = this.#window.toString("utf8", at, at + length);
    // decoding replaces what is not UTF-8, so only texts with the replacement character need a second look
    if (text.includes("\ufffd") && !isUtf8(this.#window.subarray(at, at + length))) {
      this.fail("encoding", `${what} is not UTF-8`);
    }
    return text;
  }

  /** Throws the `WeightsError` for what is being read. */
  fail(problem: WeightsProblem, message: string): never {
    failWeights(this.path, problem, this.context === "" ? message : `${quoteName(this.context)}: ${message}`);
  }

  /** A u64 as a number, exact up to 2^53 and too large for any limit above. */
  #wholeNumber(): number {
    const at = this.#take(8);
    return this.#window.readUInt32LE(at) + this.#window.readUInt32LE(at + 4) * TWO_32;
  }

  /** Moves on by `length` bytes, which are then at the returned place of the window. */
  #take(length: number): number {
    if (this.#at + length > this.#window.length) this.#refill(length);
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #refill(length: number): void {
    const position = this.position;
    if (length > this.size - position) {
      const message = `ends at byte ${this.size}, but ${length} more bytes belong at ${position}. Download it again.`;
      this.fail("truncated", message);
    }
    const bytes = this.#reader.read(position, Math.min(Math.max(length, WINDOW_BYTES), this.size - position));
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#start = position;
    this.#at = 0;
  }
}
