import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { ImageDetail, MediaReference, MediaSource } from "../interface/media-source.ts";
import { decodeBase64, parseDataUrl } from "./data-url.ts";
import { MIN_BASE64_CHARACTERS } from "./limits.ts";
import { MediaProblem } from "./media-problem.ts";
import { normalizeMimeType } from "./media-types.ts";
import { sniffMimeType } from "./sniff-mime-type.ts";

/** Where the content is. */
type Origin =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "blob"; readonly blob: Blob };

/** A source told apart, with what it says about itself. Nothing is read yet. */
export interface ParsedSource {
  readonly origin: Origin;
  /** For messages: never the content, nor a query that may hold a key. */
  readonly name: string;
  readonly mimeType?: string | undefined;
  readonly detail?: ImageDetail | undefined;
}

/** What is longer is data by mistake, not a path, and little of it belongs into messages. */
const MAX_NAME_CHARACTERS = 1000;
const SHOWN_CHARACTERS = 40;

/**
 * Tells what kind of source this is.
 *
 * @throws {MediaProblem} for a form, scheme or encoding that is not known
 */
export function parseSource(source: MediaSource): ParsedSource {
  if (typeof source === "string") return parseString(source);
  if (source instanceof URL) return parseUrl(source);
  if (source instanceof Uint8Array) return { origin: { kind: "bytes", bytes: source }, name: "bytes" };
  if (source instanceof ArrayBuffer) {
    return { origin: { kind: "bytes", bytes: new Uint8Array(source) }, name: "bytes" };
  }
  if (source instanceof Blob) {
    const name = "name" in source && typeof source.name === "string" ? source.name : "blob";
    return { origin: { kind: "blob", blob: source }, name, mimeType: normalizeMimeType(source.type) };
  }
  if (!isReference(source)) throw new MediaProblem(UNKNOWN_FORM);
  return parseReference(source);
}

/** For what is no source, but may have been handed over as one. */
export const UNKNOWN_FORM =
  "it has none of the forms of a source: path, address, data, bytes, Blob or { url }";

const isReference = (source: unknown): source is MediaReference =>
  typeof source === "object" &&
  source !== null &&
  ("url" in source || "image_url" in source || "source" in source);

function parseString(text: string): ParsedSource {
  if (/^data:/i.test(text)) return { ...parseDataUrl(text), name: "data URL" };
  if (/^(https?|file):/i.test(text)) return parseUrl(toUrl(text));
  const bytes = text.length >= MIN_BASE64_CHARACTERS ? decodeBase64(text) : undefined;
  if (bytes !== undefined && sniffMimeType(bytes) !== undefined) {
    return { origin: { kind: "bytes", bytes }, name: "base64 text" };
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1];
  if (scheme !== undefined) throw new MediaProblem(`addresses of the scheme ${scheme}: are not read`);
  const name = text.length > MAX_NAME_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return { origin: { kind: "path", path: text }, name };
}

function parseUrl(url: URL): ParsedSource {
  switch (url.protocol) {
    case "http:":
    case "https:":
      return { origin: { kind: "url", url }, name: url.origin + url.pathname };
    case "file:":
      return parseFileUrl(url);
    case "data:":
      return parseString(url.href);
    default:
      throw new MediaProblem(`addresses of the scheme ${url.protocol} are not read`);
  }
}

function parseFileUrl(url: URL): ParsedSource {
  try {
    const path = fileURLToPath(url);
    return { origin: { kind: "path", path }, name: path };
  } catch (cause) {
    throw new MediaProblem("it is not a file: address of this machine", { cause });
  }
}

function toUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new MediaProblem("its address is malformed", { cause });
  }
}

function parseReference(reference: MediaReference): ParsedSource {
  if ("url" in reference) return { ...parseString(reference.url), detail: reference.detail_level };
  if ("image_url" in reference) {
    const { image_url: image } = reference;
    return typeof image === "string"
      ? parseString(image)
      : { ...parseString(image.url), detail: image.detail };
  }
  const { source } = reference;
  if (source.type === "url") return parseString(source.url);
  const bytes = decodeBase64(source.data);
  if (bytes === undefined) throw new MediaProblem("its base64 is malformed");
  return {
    origin: { kind: "bytes", bytes },
    name: "base64 data",
    mimeType: normalizeMimeType(source.media_type),
  };
}

/** The last part of a path or address, as a name to tell the model. */
export const shortName = (name: string): string => basename(name) || name;
