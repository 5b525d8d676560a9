/** The thread that reads one document and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { MediaProblem } from "../media-problem.ts";
import { DOCX, PDF } from "../media-types.ts";
import { docxText } from "./docx-text.ts";
import { pdfText } from "./pdf-text.ts";
import type { DocumentType, ExtractReply, ExtractRequest } from "./protocol.ts";

const READERS: Readonly<Record<DocumentType, (bytes: Uint8Array) => Promise<string>>> = {
  [PDF]: pdfText,
  [DOCX]: docxText,
};

async function answer({ mimeType, bytes }: ExtractRequest): Promise<ExtractReply> {
  try {
    return { text: await READERS[mimeType](bytes) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return { missing: true };
    return { problem: error instanceof MediaProblem ? error.message : `it is damaged: ${describe(error)}` };
  }
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

parentPort?.postMessage(await answer(workerData));
