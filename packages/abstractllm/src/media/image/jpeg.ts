import type { ByteView } from "./byte-view.ts";
import { EndOfBytes } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;

/** SOF0 to SOF15 without the three of that range that are tables and extensions (DHT, JPG, DAC). */
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** Walks the segments to the first scan and looks for the end after it. @see ITU-T T.81 annex B */
export function readJpeg(view: ByteView): ImageSize | undefined {
  let size: ImageSize | undefined;
  let offset = 2;
  for (;;) {
    while (view.u8(offset) === 0xff && view.u8(offset + 1) === 0xff) offset++; // fill bytes
    if (view.u8(offset) !== 0xff) return undefined;
    const marker = view.u8(offset + 1);
    if (marker === END_OF_IMAGE) return size;
    if (isFrame(marker)) size = { height: view.u16(offset + 5), width: view.u16(offset + 7) };
    const length = view.u16(offset + 2);
    if (length < 2) return undefined;
    offset += 2 + length;
    if (marker === START_OF_SCAN) break;
  }
  if (!hasEnd(view, offset)) throw new EndOfBytes();
  return size;
}

/** Looked for from behind, where it is; some cameras append data of their own. */
function hasEnd(view: ByteView, from: number): boolean {
  for (let offset = view.length - 2; offset >= from; offset--) {
    if (view.u8(offset) === 0xff && view.u8(offset + 1) === END_OF_IMAGE) return true;
  }
  return false;
}
