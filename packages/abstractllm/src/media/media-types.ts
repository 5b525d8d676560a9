import { extname } from "node:path";
import type { MediaType } from "../interface/media-source.ts";

interface TypeRow {
  readonly mimeType: string;
  readonly mediaType: MediaType;
  readonly extensions: readonly string[];
}

const row = (mediaType: MediaType, mimeType: string, ...extensions: string[]): TypeRow => ({
  mimeType,
  mediaType,
  extensions,
});

export const PDF = "application/pdf";
export const DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/** Types whose names say what they are. Whatever else is UTF-8 is text too. */
const TYPES: readonly TypeRow[] = [
  row("image", "image/png", ".png"),
  row("image", "image/jpeg", ".jpg", ".jpeg"),
  row("image", "image/gif", ".gif"),
  row("image", "image/webp", ".webp"),
  row("image", "image/bmp", ".bmp"),
  row("image", "image/tiff", ".tif", ".tiff"),
  row("image", "image/avif", ".avif"),
  row("image", "image/heic", ".heic", ".heif"),
  row("document", PDF, ".pdf"),
  row("document", DOCX, ".docx"),
  row("tabular", "text/csv", ".csv"),
  row("tabular", "text/tab-separated-values", ".tsv", ".tab"),
  row("text", "text/markdown", ".md", ".markdown"),
  row("text", "text/html", ".html", ".htm"),
  row("text", "text/css", ".css"),
  row("text", "text/xml", ".xml"),
  row("text", "image/svg+xml", ".svg"),
  row("text", "text/javascript", ".js", ".mjs", ".cjs"),
  row("text", "application/json", ".json", ".jsonl"),
  row("text", "application/yaml", ".yaml", ".yml"),
  row("text", "application/toml", ".toml"),
  row("text", "text/plain", ".txt", ".log", ".py", ".ts", ".java", ".c", ".cpp", ".h", ".rs", ".go", ".sh"),
];

/** Other names for the same type. */
const ALIASES: Readonly<Record<string, string>> = {
  "image/jpg": "image/jpeg",
  "image/pjpeg": "image/jpeg",
  "image/x-ms-bmp": "image/bmp",
  "image/heif": "image/heic",
  "application/csv": "text/csv",
  "text/tsv": "text/tab-separated-values",
  "application/xml": "text/xml",
  "text/json": "application/json",
  "text/yaml": "application/yaml",
  "application/javascript": "text/javascript",
};

/** A declared type without parameters, under its usual name. */
export function normalizeMimeType(declared: string | undefined): string | undefined {
  const mimeType = declared?.split(";")[0]?.trim().toLowerCase();
  if (mimeType === undefined || mimeType === "") return undefined;
  return Object.hasOwn(ALIASES, mimeType) ? ALIASES[mimeType] : mimeType;
}

/** What a type is to a model; undefined where the type says nothing, as `application/octet-stream`. */
export function mediaTypeOf(mimeType: string | undefined): MediaType | undefined {
  if (mimeType === undefined) return undefined;
  const known = TYPES.find((type) => type.mimeType === mimeType)?.mediaType;
  if (known !== undefined) return known;
  if (mimeType.startsWith("image/")) return "image";
  return mimeType.startsWith("text/") || mimeType.endsWith("+json") || mimeType.endsWith("+xml")
    ? "text"
    : undefined;
}

/** The type that a file's name promises. */
export function mimeTypeOfName(name: string): string | undefined {
  const extension = extname(name).toLowerCase();
  return TYPES.find((type) => type.extensions.includes(extension))?.mimeType;
}
