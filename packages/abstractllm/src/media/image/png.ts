import type { ByteView } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

/** Length, name and checksum around the data of a chunk. */
const CHUNK_FRAME = 12;

/** Walks the chunks up to `IEND`. @see https://www.w3.org/TR/png-3/#5Chunk-layout */
export function readPng(view: ByteView): ImageSize | undefined {
  if (view.text(12, 4) !== "IHDR") return undefined;
  const size = { width: view.u32(16), height: view.u32(20) };
  let offset = 8;
  while (view.text(offset + 4, 4) !== "IEND") offset += CHUNK_FRAME + view.u32(offset);
  view.u32(offset + 8); // its checksum is the last of the file
  return size;
}
