import { latin1 } from "./latin1.ts";
import { DOCX, PDF } from "./media-types.ts";

/** How files of a type begin; `?` is any byte. */
const SIGNATURES: readonly (readonly [mimeType: string, ...beginnings: string[]])[] = [
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/gif", "GIF87a", "GIF89a"],
  ["image/webp", "RIFF????WEBP"],
  ["image/bmp", "BM????\0\0\0\0"],
  ["image/tiff", "II*\0", "MM\0*"],
  ["image/avif", "????ftypavif", "????ftypavis"],
  ["image/heic", "????ftyphei?", "????ftyphev?", "????ftypmif1", "????ftypmsf1"],
  [PDF, "%PDF-"],
];

/** Longest of the beginnings. */
const HEAD_BYTES = 12;

/** A part that every Word file has; the directory at the end of its zip archive names it. */
const WORD_PART = "word/document.xml";

/** The type that the content itself shows; undefined for text and for what is not known. */
export function sniffMimeType(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, HEAD_BYTES));
  const known = SIGNATURES.find(([, ...beginnings]) => beginnings.some((pattern) => beginsAs(head, pattern)));
  if (known !== undefined) return known[0];
  const isWord = head.startsWith("PK\x03\x04") && latin1(bytes).includes(WORD_PART);
  return isWord ? DOCX : undefined;
}

const beginsAs = (head: string, pattern: string): boolean =>
  head.length >= pattern.length && [...pattern].every((char, index) => char === "?" || char === head[index]);
