import { type ByteView, EndOfBytes } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

/** Boxes that hold the sizes of the image and of its tiles and thumbnails, and what precedes the boxes inside. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

/** The boxes lie three deep: `meta`, `iprp`, `ipco`. More is a file made to exhaust the stack (CWE-674). */
const MAX_DEPTH = 3;

/**
 * The largest `ispe` property of AVIF or HEIC: tiles and thumbnails have one too. It is the size as coded, which some
 * encoders pad.
 *
 * @see ISO/IEC 23008-12
 */
export function readHeif(view: ByteView): ImageSize | undefined {
  let largest: ImageSize | undefined;
  let hasPixels = false;
  const visit = (start: number, end: number, depth: number): void => {
    for (let offset = start; offset < end; ) {
      const { name, body, next } = readBox(view, offset, end);
      if (name === "ispe") {
        const size = { width: view.u32(body + 4), height: view.u32(body + 8) };
        if (largest === undefined || area(size) > area(largest)) largest = size;
      }
      hasPixels ||= name === "mdat" || name === "idat";
      const skipped = Object.hasOwn(CONTAINERS, name) ? CONTAINERS[name] : undefined;
      if (skipped !== undefined && depth < MAX_DEPTH) visit(body + skipped, next, depth + 1);
      offset = next;
    }
  };
  visit(0, view.length, 0);
  if (!hasPixels) throw new EndOfBytes();
  return largest;
}

const area = ({ width, height }: ImageSize): number => width * height;

function readBox(view: ByteView, offset: number, end: number) {
  const name = view.text(offset + 4, 4);
  const short = view.u32(offset);
  const isLong = short === 1; // the length follows in 64 bits
  const length = isLong ? view.u32(offset + 8) * 2 ** 32 + view.u32(offset + 12) : short || end - offset;
  const header = isLong ? 16 : 8;
  if (length < header || offset + length > end) throw new EndOfBytes();
  return { name, body: offset + header, next: offset + length };
}
