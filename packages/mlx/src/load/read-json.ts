import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { isObject } from "./is-object.ts";

const MAX_CONFIG_BYTES = 10_000_000; // a config is a few KB; more is a mistake or an attack (CWE-770)

// Python's json writes these and mlx-lm's configs hold them; JSON.parse refuses them
const tagged = new Map([
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["NaN", Number.NaN],
]);

/** Also names them where they stand bare, outside of strings. */
const tagBare = (text: string): string =>
  text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
    found.startsWith('"') ? found : `{"__float__":"${found}"}`,
  );

const untag = (_key: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "__float__")) return value;
  return tagged.get(String((value as Record<string, unknown>).__float__)) ?? value;
};

/**
 * A JSON value from a file; undefined when there is no such file.
 *
 * @throws {ConfigError} when it is too large or not JSON
 */
export const readJsonValue = (path: string): unknown => {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  if (size > MAX_CONFIG_BYTES)
    throw new ConfigError(`${path} has ${size} bytes, more than ${MAX_CONFIG_BYTES}`);
  try {
    return JSON.parse(tagBare(readFileSync(path, "utf8")), untag);
  } catch (cause) {
    throw new ConfigError(`${path} is not valid JSON`, { cause });
  }
};

/**
 * A JSON object from a file; undefined when there is no such file.
 *
 * @throws {ConfigError} when it is too large, not JSON or not an object
 */
export const readJsonObject = (path: string): Record<string, unknown> | undefined => {
  const value = readJsonValue(path);
  if (value === undefined || isObject(value)) return value;
  throw new ConfigError(`${path}: expected an object`);
};
