import type { ByteView } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

const EXTENSION = 0x21;
const IMAGE = 0x2c;
const TRAILER = 0x3b;

/** Walks the blocks up to the trailer. @see https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
export function readGif(view: ByteView): ImageSize | undefined {
  const size = { width: view.u16(6, true), height: view.u16(8, true) };
  let offset = 13 + colorTableBytes(view.u8(10));
  for (;;) {
    switch (view.u8(offset)) {
      case TRAILER:
        return size;
      case EXTENSION:
        offset = afterSubBlocks(view, offset + 2);
        break;
      case IMAGE:
        // descriptor, its color table, the code size of the compression
        offset = afterSubBlocks(view, offset + 10 + colorTableBytes(view.u8(offset + 9)) + 1);
        break;
      default:
        return undefined;
    }
  }
}

const colorTableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));

function afterSubBlocks(view: ByteView, start: number): number {
  let offset = start;
  while (view.u8(offset) !== 0) offset += 1 + view.u8(offset);
  return offset + 1;
}
