import { checkZip } from "./check-zip.ts";

/** The text of a Word file, a blank line between paragraphs. */
export async function docxText(bytes: Uint8Array): Promise<string> {
  checkZip(bytes);
  const { default: mammoth } = await import("mammoth");
  const { value } = await mammoth.extractRawText({ buffer: Buffer.from(bytes) });
  return value.trim();
}
