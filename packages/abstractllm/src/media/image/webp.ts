import { type ByteView, EndOfBytes } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

/** Reads the first chunk of the three kinds. @see RFC 9649 */
export function readWebp(view: ByteView): ImageSize | undefined {
  if (view.u32(4, true) + 8 > view.length) throw new EndOfBytes();
  switch (view.text(12, 4)) {
    case "VP8 ":
      return { width: view.u16(26, true) & 0x3fff, height: view.u16(28, true) & 0x3fff };
    case "VP8L": {
      const bits = view.u32(21, true); // 14 bits of width and of height, each less one
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { width: view.u24(24) + 1, height: view.u24(27) + 1 };
    default:
      return undefined;
  }
}
