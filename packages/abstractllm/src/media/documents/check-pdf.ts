import { inflateSync } from "node:zlib";
import { MAX_UNPACKED_BYTES } from "../limits.ts";
import { MediaProblem } from "../media-problem.ts";

const KEYWORD = "stream";
const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d];

/** Filters that may lie on top of each other; the two that are seen in practice, and one more. */
const MAX_FILTERS = 3;

/**
 * Refuses a PDF with a stream that unpacks to too much. Nothing declares that size, and the parser keeps what it
 * unpacks, so every stream is unpacked here first, and dropped, up to the limit.
 *
 * @throws {MediaProblem}
 */
export function checkPdf(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = file.indexOf(KEYWORD); at >= 0; at = file.indexOf(KEYWORD, at + 1)) {
    let start = at + KEYWORD.length;
    if (file[start] === CARRIAGE_RETURN) start++;
    if (file[start] === LINE_FEED) checkStream(file.subarray(start + 1), MAX_FILTERS);
  }
}

function checkStream(packed: Buffer, filters: number): void {
  if (filters === 0 || !isDeflated(packed)) return;
  let unpacked: Buffer;
  try {
    unpacked = inflateSync(packed, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") return; // the parser judges damage
    throw new MediaProblem(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`, { cause });
  }
  checkStream(unpacked, filters - 1);
}

/** Whether a zlib stream begins here. @see RFC 1950 section 2.2 */
function isDeflated(bytes: Buffer): boolean {
  return bytes.length > 2 && ((bytes[0] ?? 0) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}
