import { MediaProblem } from "./media-problem.ts";
import { normalizeMimeType } from "./media-types.ts";

/** Bytes and type of a data URL. */
export interface DataUrl {
  readonly origin: { readonly kind: "bytes"; readonly bytes: Uint8Array };
  readonly mimeType: string;
}

/**
 * Takes a data URL apart (RFC 2397).
 *
 * @throws {MediaProblem} when it is malformed
 */
export function parseDataUrl(text: string): DataUrl {
  const comma = text.indexOf(",");
  if (comma < 0) throw new MediaProblem("it has no comma between type and data");
  const header = text.slice("data:".length, comma);
  const data = text.slice(comma + 1);
  const isBase64 = /;\s*base64\s*$/i.test(header);
  const bytes = isBase64 ? decodeBase64(unescaped(data)) : new TextEncoder().encode(unescaped(data));
  if (bytes === undefined) throw new MediaProblem("its base64 is malformed");
  return { origin: { kind: "bytes", bytes }, mimeType: normalizeMimeType(header) ?? "text/plain" };
}

/** Bytes of base64, whitespace and missing padding allowed; undefined when it is something else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, "").replace(/={1,2}$/, "");
  if (digits.length % 4 === 1 || !/^[A-Za-z0-9+/_-]*$/.test(digits)) return undefined;
  return Buffer.from(digits, "base64");
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new MediaProblem("its percent encoding is malformed", { cause });
  }
}
