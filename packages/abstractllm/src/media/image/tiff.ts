import type { ByteView } from "./byte-view.ts";
import type { ImageSize } from "./image-header.ts";

const WIDTH = 256;
const HEIGHT = 257;
const SHORT = 3;

/** Reads the first directory. @see TIFF 6.0 section 2 */
export function readTiff(view: ByteView): ImageSize | undefined {
  const littleEndian = view.text(0, 2) === "II";
  const directory = view.u32(4, littleEndian);
  const values = new Map<number, number>();
  for (let index = 0; index < view.u16(directory, littleEndian); index++) {
    const entry = directory + 2 + index * 12;
    const isShort = view.u16(entry + 2, littleEndian) === SHORT;
    const value = isShort ? view.u16(entry + 8, littleEndian) : view.u32(entry + 8, littleEndian);
    values.set(view.u16(entry, littleEndian), value);
  }
  const [width, height] = [values.get(WIDTH), values.get(HEIGHT)];
  return width === undefined || height === undefined ? undefined : { width, height };
}
