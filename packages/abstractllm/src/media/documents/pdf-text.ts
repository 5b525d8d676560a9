import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { PDFDocumentProxy } from "pdfjs-dist";
import { MAX_DOCUMENT_PAGES } from "../limits.ts";
import { MediaProblem } from "../media-problem.ts";
import { checkPdf } from "./check-pdf.ts";

/** The text of a PDF, page by page. */
export async function pdfText(bytes: Uint8Array): Promise<string> {
  checkPdf(bytes);
  const { getDocument } = await import("pdfjs-dist/legacy/build/pdf.mjs"); // the build for Node
  const folder = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
  const task = getDocument({
    data: new Uint8Array(bytes), // it takes only plain arrays, and keeps them
    cMapUrl: join(folder, "cmaps/"),
    cMapPacked: true,
    standardFontDataUrl: join(folder, "standard_fonts/"),
    isEvalSupported: false,
    disableFontFace: true,
    verbosity: 0,
  });
  const document = await task.promise.catch((error: Error) => {
    if (error.name === "PasswordException") throw new MediaProblem("it is protected by a password");
    throw error;
  });
  if (document.numPages > MAX_DOCUMENT_PAGES) {
    throw new MediaProblem(`it has ${document.numPages} pages, at most ${MAX_DOCUMENT_PAGES} are read`);
  }
  const pages: string[] = [];
  for (let number = 1; number <= document.numPages; number++) pages.push(await pageText(document, number));
  return pages.filter((text) => text !== "").join("\n\n");
}

async function pageText(document: PDFDocumentProxy, number: number): Promise<string> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  const pieces = items.map((item) => ("str" in item ? `${item.str}${item.hasEOL ? "\n" : ""}` : ""));
  return pieces.join("").trim();
}
