import { MediaProblem } from "../media-problem.ts";
import { sniffMimeType } from "../sniff-mime-type.ts";
import { readBmp } from "./bmp.ts";
import { ByteView, EndOfBytes } from "./byte-view.ts";
import { readGif } from "./gif.ts";
import { readHeif } from "./heif.ts";
import type { ImageHeader, ImageSize } from "./image-header.ts";
import { readJpeg } from "./jpeg.ts";
import { readPng } from "./png.ts";
import { readTiff } from "./tiff.ts";
import { readWebp } from "./webp.ts";

/** Reads the size; walks the parts of the file where the format has lengths, so that a truncated one shows. */
type SizeReader = (view: ByteView) => ImageSize | undefined;

const READERS: Readonly<Record<string, SizeReader>> = {
  "image/png": readPng,
  "image/jpeg": readJpeg,
  "image/gif": readGif,
  "image/webp": readWebp,
  "image/bmp": readBmp,
  "image/tiff": readTiff,
  "image/avif": readHeif,
  "image/heic": readHeif,
};

/**
 * Type and size of an image, without decoding it.
 *
 * @throws {MediaProblem} when it is no image of a known type, is truncated or has no size
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const mimeType = sniffMimeType(bytes);
  const read = mimeType === undefined ? undefined : READERS[mimeType];
  if (mimeType === undefined || read === undefined) {
    const found = mimeType === undefined ? "" : `; it is ${mimeType}`;
    throw new MediaProblem(`its content is no image of a known type${found}`);
  }
  try {
    const size = read(new ByteView(bytes));
    if (size === undefined) throw new MediaProblem(`it is a broken ${mimeType}: it names no size`);
    return { mimeType, ...size };
  } catch (error) {
    if (error instanceof EndOfBytes) throw new MediaProblem(`it is a truncated ${mimeType}`);
    throw error;
  }
}
