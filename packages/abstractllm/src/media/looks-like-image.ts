import type { MediaSource } from "../interface/media-source.ts";
import { isMediaInput } from "./base-media-input.ts";
import { mediaTypeOf, mimeTypeOfName } from "./media-types.ts";
import { parseSource } from "./parse-source.ts";

/** Whether name or declared type of a source is an image's; nothing is read. */
export function looksLikeImage(source: MediaSource): boolean {
  if (isMediaInput(source)) return source.mediaType === "image";
  try {
    const { name, mimeType } = parseSource(source);
    return mediaTypeOf(mimeType ?? mimeTypeOfName(name)) === "image";
  } catch {
    return false; // reading it says what is wrong with it
  }
}
