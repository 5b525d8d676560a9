import { MlxError } from "../errors.ts";

/** Longest text, in UTF-16 units: no model reads as much, and encoding takes a second for each MiB (CWE-400). */
const MAX_UNITS = 8 * 2 ** 20;

/**
 * Refuses a text that is not worth encoding.
 *
 * @param name - what it is called in the error
 * @throws {MlxError} `context-length`
 */
export const checkTextSize = (text: string, name: string): void => {
  if (text.length <= MAX_UNITS) return;
  const message = `${name} has ${text.length} characters, more than the ${MAX_UNITS} that are read`;
  throw new MlxError("context-length", message);
};
