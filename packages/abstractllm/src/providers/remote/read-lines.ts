import { WireError } from "./wire-error.ts";

/** An image in base64 fits; what is longer is no answer, and would fill the memory. */
export const MAX_LINE_BYTES = 128 * 1024 * 1024;

const LF = 10;
const CR = 13;

/**
 * The lines of a stream of UTF-8 bytes, however these are split.
 *
 * Lines end with LF, CRLF or CR; a byte order mark at the start is left out. What follows the last line end is a line
 * too. The work grows with the number of bytes only, also when one line comes in thousands of pieces.
 *
 * @throws {WireError} for a line that is too long
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number = MAX_LINE_BYTES,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // drops the byte order mark of the first line
  const later = new TextDecoder("utf-8", { ignoreBOM: true });
  let isFirst = true;
  let pieces: Uint8Array[] = [];
  let length = 0;
  let endedWithCR = false;
  const take = (): string => {
    const line = (isFirst ? decoder : later).decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
    isFirst = false;
    pieces = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start: number = endedWithCR && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) endedWithCR = false;
    for (;;) {
      const end: number = findLineEnd(chunk, start);
      const piece: Uint8Array = chunk.subarray(start, end < 0 ? undefined : end);
      length += piece.length;
      if (length > maxBytes)
        throw new WireError("protocol", `The service sent a line of over ${maxBytes} bytes`);
      if (piece.length > 0) pieces.push(piece);
      if (end < 0) break;
      yield take();
      start = end + 1;
      if (chunk[end] !== CR) continue;
      if (chunk[start] === LF) start++;
      else endedWithCR = start === chunk.length;
    }
  }
  if (length > 0) yield take();
}

function findLineEnd(chunk: Uint8Array, start: number): number {
  const lf = chunk.indexOf(LF, start);
  const cr = chunk.subarray(start, lf < 0 ? undefined : lf).indexOf(CR);
  return cr < 0 ? lf : start + cr;
}
