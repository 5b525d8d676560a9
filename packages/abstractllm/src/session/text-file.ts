import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { FileProcessingError } from "../errors/index.ts";

/** A conversation of some hundred images; more would only fill the memory (CWE-400). */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/** Writes a file whole or not at all, for this user's eyes only. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync(); // else a power cut after the rename could leave an empty file
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new FileProcessingError(`Cannot write ${path}: ${(cause as Error).message}`, {
      cause,
      filePath: path,
    });
  }
}

/**
 * The JSON in a file.
 *
 * @throws {FileProcessingError} when there is no such file, or it is too large or no JSON
 */
export async function readJsonFile(path: string): Promise<unknown> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_FILE_BYTES} are read`);
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    // a parser quotes the text, which is the user's conversation
    const problem = cause instanceof SyntaxError ? "it is no JSON" : (cause as Error).message;
    throw new FileProcessingError(`Cannot read ${path}: ${problem}`, {
      cause: cause instanceof SyntaxError ? undefined : cause,
      filePath: path,
    });
  }
}
