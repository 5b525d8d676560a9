import { type ByteView, EndOfBytes } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

/** Size of the header of OS/2 1.x, whose sides have 16 bits. */
const CORE_HEADER = 12;

export function readBmp(view: ByteView): ImageSize | undefined {
  if (view.u32(10, true) > view.length) throw new EndOfBytes(); // where the pixels begin
  if (view.u32(14, true) === CORE_HEADER) return { width: view.u16(18, true), height: view.u16(20, true) };
  return { width: Math.abs(view.i32(18)), height: Math.abs(view.i32(22)) }; // negative: top row first
}
