import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { TokenizerError } from "../errors.ts";

/** True for plain JSON objects. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a text file that may be absent.
 *
 * @param maxBytes - largest size accepted, against files made to exhaust memory (CWE-400)
 * @throws {TokenizerError} when it is larger, or there but unreadable
 */
export function readTextFile(path: string, maxBytes: number): string | undefined {
  try {
    const { size } = statSync(path);
    if (size > maxBytes) {
      throw new TokenizerError(
        `${basename(path)} has ${size} bytes; at most ${maxBytes} are accepted. Get the file again from its repository.`,
        { details: { path, size, maxBytes } },
      );
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    if (isRecord(error) && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw new TokenizerError(`${basename(path)} could not be read.`, { cause: error, details: { path } });
  }
}

/**
 * Reads a JSON object from a file that may be absent.
 *
 * @throws {TokenizerError} when it is too large, not JSON, or not an object
 */
export function readJsonFile(path: string, maxBytes: number): Record<string, unknown> | undefined {
  const text = readTextFile(path, maxBytes);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TokenizerError(`${basename(path)} is not valid JSON. Get the file again from its repository.`, {
      cause: error,
      details: { path },
    });
  }
  if (isRecord(value)) return value;
  throw new TokenizerError(`Expected a JSON object in ${basename(path)}.`, { details: { path } });
}
