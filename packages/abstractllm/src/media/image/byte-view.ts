import { latin1 } from "../latin1.ts";

/** The content ends before what it announces. */
export class EndOfBytes extends Error {}

/** Numbers and names at offsets of a file; reading past its end throws `EndOfBytes`. */
export class ByteView {
  readonly length: number;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.length = bytes.length;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(offset: number): number {
    return this.#view.getUint8(this.#checked(offset, 1));
  }

  u16(offset: number, littleEndian = false): number {
    return this.#view.getUint16(this.#checked(offset, 2), littleEndian);
  }

  u24(offset: number): number {
    return this.u16(offset, true) + this.u8(offset + 2) * 2 ** 16;
  }

  u32(offset: number, littleEndian = false): number {
    return this.#view.getUint32(this.#checked(offset, 4), littleEndian);
  }

  i32(offset: number): number {
    return this.#view.getInt32(this.#checked(offset, 4), true);
  }

  text(offset: number, length: number): string {
    this.#checked(offset, length);
    return latin1(this.#bytes.subarray(offset, offset + length));
  }

  #checked(offset: number, length: number): number {
    if (offset < 0 || offset + length > this.length) throw new EndOfBytes();
    return offset;
  }
}
