import { Worker } from "node:worker_threads";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { MAX_DOCUMENT_HEAP_MIB, MAX_DOCUMENT_MILLISECONDS } from "../limits.ts";
import { MediaProblem } from "../media-problem.ts";
import { sniffMimeType } from "../sniff-mime-type.ts";
import { DOCUMENT_TYPES, type DocumentType, type ExtractReply, type ExtractRequest } from "./protocol.ts";

const entry = new URL("./extract-entry.js", import.meta.url);

/**
 * The text of a PDF or Word file, read in a thread of its own: what a hostile file does to a parser ends with it.
 *
 * @throws {MediaProblem} when it is damaged, holds no text, or takes too much time or memory
 * @throws {UnsupportedFeatureError} with the install command, when the package that reads it is missing
 */
export async function extractText(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> {
  const mimeType = sniffMimeType(bytes);
  if (!isDocumentType(mimeType)) throw new MediaProblem("its content is neither a PDF nor a Word file");
  const reply = await ask({ mimeType, bytes }, signal);
  if ("missing" in reply) {
    const { feature, packageName } = DOCUMENT_TYPES[mimeType];
    const message = `Reading ${feature} files needs the package ${packageName}, which is not installed. Run: npm install ${packageName}`;
    throw new UnsupportedFeatureError(feature, message);
  }
  if ("problem" in reply) throw new MediaProblem(reply.problem);
  if (reply.text.trim() === "") throw new MediaProblem("it holds no text; send its pages as images");
  return reply.text;
}

const isDocumentType = (mimeType: string | undefined): mimeType is DocumentType =>
  mimeType !== undefined && Object.hasOwn(DOCUMENT_TYPES, mimeType);

function ask(request: ExtractRequest, signal: AbortSignal | undefined): Promise<ExtractReply> {
  signal?.throwIfAborted();
  const worker = new Worker(entry, {
    workerData: request,
    resourceLimits: { maxOldGenerationSizeMb: MAX_DOCUMENT_HEAP_MIB },
    env: {},
    execArgv: [],
    stdout: true, // the parsers' own notes belong to no one
    stderr: true,
  });
  const { promise, resolve, reject } = withResolvers<ExtractReply>();
  const stop = () => reject(signal?.reason);
  const late = `reading it took longer than ${MAX_DOCUMENT_MILLISECONDS} ms`;
  const timer = setTimeout(() => reject(new MediaProblem(late)), MAX_DOCUMENT_MILLISECONDS);
  signal?.addEventListener("abort", stop, { once: true });
  worker.once("message", resolve);
  worker.once("error", (cause) => reject(new MediaProblem(crashOf(cause), { cause })));
  worker.once("exit", () => reject(new MediaProblem("its reader ended without an answer")));
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    return worker.terminate();
  });
}

const crashOf = (error: Error): string =>
  (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY"
    ? `reading it needs more than ${MAX_DOCUMENT_HEAP_MIB} MiB of memory`
    : "it is damaged";

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => {
    [resolve, reject] = [onValue, onError];
  });
  return { promise, resolve, reject };
}
