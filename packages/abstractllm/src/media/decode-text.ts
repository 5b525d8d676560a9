import { MediaProblem } from "./media-problem.ts";

/**
 * Text from bytes. A byte order mark wins over `encoding` and is left out.
 *
 * @param encoding - a label of the WHATWG Encoding Standard, such as `"utf-8"` or `"windows-1252"`
 * @throws {MediaProblem} for bytes that are no text of that encoding, and for NUL characters, which text has none of
 */
export function decodeText(bytes: Uint8Array, encoding = "utf-8"): string {
  const label = byteOrderMark(bytes) ?? encoding;
  let text: string;
  try {
    text = new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MediaProblem(`it is not ${label.toUpperCase()} text; only text can be part of a prompt`, {
      cause,
    });
  }
  if (text.includes("\0"))
    throw new MediaProblem(`it is not ${label.toUpperCase()} text; it holds NUL characters`);
  return text;
}

function byteOrderMark([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}
