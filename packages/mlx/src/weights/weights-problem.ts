import { basename } from "node:path";
import { WeightsError } from "../errors.ts";

/** What is wrong with a weight file, stable across releases; in `error.details.problem`. */
export type WeightsProblem =
  | "unreadable" // the operating system refused, or it is not a regular file
  | "missing" // a file or tensor that should be there is not
  | "foreign-format" // another format: a pickle, an archive, an LFS pointer
  | "unsupported" // the right format, a version or type we do not read
  | "truncated" // it ends before what it declares
  | "encoding" // text that is not UTF-8
  | "syntax" // not the JSON or GGUF structure that belongs here
  | "field" // a field is missing or has the wrong type
  | "duplicate" // the same name twice
  | "limit" // over a named limit
  | "dtype" // a dtype nobody knows
  | "shape" // a shape that cannot be
  | "offset" // data that overlaps, leaves a gap or lies outside
  | "size" // bytes that do not fit dtype and shape
  | "path" // a shard outside the model's folder
  | "mismatch"; // index and shard, or file and architecture, disagree

const SHOWN_CHARACTERS = 80;

/** A name from a file, safe to print: quoted, escaped and cut (CWE-117). */
export function quoteName(name: string): string {
  const quoted = JSON.stringify(name.slice(0, SHOWN_CHARACTERS)).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => {
      return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
    },
  );
  return name.length > SHOWN_CHARACTERS ? `${quoted}...` : quoted;
}

/** Throws the `WeightsError` for `path`: the message starts with the file's name, `details` says what and where. */
export function failWeights(
  path: string,
  problem: WeightsProblem,
  message: string,
  options: { cause?: unknown; details?: Record<string, unknown> } = {},
): never {
  throw new WeightsError(`${basename(path)}: ${message}`, {
    cause: options.cause,
    details: { problem, path, ...options.details },
  });
}
