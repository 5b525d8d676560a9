import { DOCX, PDF } from "../media-types.ts";

/** What the reading thread is given. */
export interface ExtractRequest {
  readonly mimeType: DocumentType;
  readonly bytes: Uint8Array;
}

/** What it answers, once. */
export type ExtractReply =
  | { readonly text: string }
  | { readonly problem: string }
  /** The package that it needs is not installed. */
  | { readonly missing: true };

/** Types of document, with the name of each and the package that reads it. */
export const DOCUMENT_TYPES = {
  [PDF]: { feature: "pdf", packageName: "pdfjs-dist" },
  [DOCX]: { feature: "docx", packageName: "mammoth" },
} as const;

export type DocumentType = keyof typeof DOCUMENT_TYPES;
