import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { nonEmptyString } from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { FileProcessingError, InvalidParameterError } from "../errors/index.ts";

/** A conversation of some hundred images; more would only fill the memory (CWE-400). */
const MAX_FILE_BYTES = 512 * 1024 * 1024;

/**
 * Writes a file whole or not at all, for this user's eyes only.
 *
 * @throws {InvalidParameterError} for what is no path
 * @throws {FileProcessingError} when it cannot be written
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  checkPath(path);
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
    const problem = problemOf(cause, "there is no folder for it");
    throw new FileProcessingError(`Cannot write ${path}: ${problem}`, { cause, filePath: path });
  }
}

/**
 * The JSON in a file.
 *
 * @throws {InvalidParameterError} for what is no path
 * @throws {FileProcessingError} when there is no such file, or it is too large or no JSON
 */
export async function readJsonFile(path: string): Promise<unknown> {
  checkPath(path);
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_FILE_BYTES} are read`);
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    // a parser quotes the text, which is the user's conversation
    const problem =
      cause instanceof SyntaxError ? "it is no JSON" : problemOf(cause, "there is no such file");
    throw new FileProcessingError(`Cannot read ${path}: ${problem}`, {
      cause: cause instanceof SyntaxError ? undefined : cause,
      filePath: path,
    });
  }
}

function checkPath(path: unknown): void {
  if (nonEmptyString.accepts(path)) return;
  const message = `Expected ${nonEmptyString.expected} for path but received ${describeValue(path)}`;
  throw new InvalidParameterError("path", undefined, message);
}

/** A system's reason in words; its own name the temporary file, which nobody knows. */
function problemOf(cause: unknown, missing: string): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return missing;
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "permission denied";
    case "ENOSPC":
    case "EDQUOT":
      return "the disk is full";
    default:
      return message;
  }
}
