import { InvalidArgumentError } from "../errors.ts";
import { checkOptionNames } from "../option-names.ts";
import type { EngineOptions, LoadEmbedderRequest, LoadRequest } from "./types.ts";

interface Check {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const oneOf = (...words: readonly string[]): Check => ({
  expected: words.map((word) => JSON.stringify(word)).join(" or "),
  accepts: (value) => words.includes(value as string),
});
const text: Check = {
  expected: "a non-empty text",
  accepts: (value) => typeof value === "string" && value !== "",
};
const flag: Check = { expected: "true or false", accepts: (value) => typeof value === "boolean" };
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object: Check = { expected: "an object", accepts: isObject };
/** What the engine looks at itself, when it knows the model. */
const anything: Check = { expected: "anything", accepts: () => true };

const ENGINE_OPTIONS: Readonly<Record<keyof EngineOptions, Check>> = {
  device: oneOf("auto", "gpu", "cpu"),
  isolation: oneOf("worker", "process"),
  modules: {
    expected: "a list of texts",
    accepts: (value) => Array.isArray(value) && value.every(text.accepts),
  },
  threads: {
    expected: "a whole number of at least 1",
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
};

const LOAD_EMBEDDER_REQUEST: Readonly<Record<keyof LoadEmbedderRequest, Check>> = {
  path: text,
  quantize: {
    expected: "true, false or { bits, groupSize }",
    accepts: (value) => flag.accepts(value) || isObject(value),
  },
  exact: flag,
};

const LOAD_REQUEST: Readonly<Record<keyof LoadRequest, Check>> = {
  ...LOAD_EMBEDDER_REQUEST,
  promptBits: anything,
  maxBatchSize: anything,
  kvBits: anything,
  kvGroupSize: anything,
  quantizedKvStart: anything,
  promptCacheBytes: anything,
  promptCachePath: anything,
  promptCacheDiskBytes: anything,
  draftModel: {
    expected: "{ path } or { mtp: true }",
    accepts: (value) =>
      isObject(value) && ("path" in value ? typeof value.path === "string" : Object(value).mtp === true),
  },
  adapterPath: text,
  adapters: object,
};

const kindOf = (value: unknown): string => {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
};

/** @returns the options, and nothing that a polluted `Object.prototype` holds (CWE-1321) */
const check = <T>(what: string, given: T, checks: Readonly<Record<keyof T, Check>>): T => {
  if (!isObject(given)) {
    throw new InvalidArgumentError(`Expected an object for ${what} but received ${kindOf(given)}`);
  }
  checkOptionNames(given, checks);
  const own = Object.assign(Object.create(null), given);
  for (const [name, { expected, accepts }] of Object.entries<Check>(checks)) {
    const value: unknown = own[name];
    if (value === undefined || accepts(value)) continue;
    const received = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : kindOf(value);
    throw new InvalidArgumentError(`Expected ${expected} for ${name} but received ${received}`);
  }
  return own;
};

/** Checks how an engine is to start. @throws {InvalidArgumentError} for an option that is unknown or has a bad value */
export const checkEngineOptions = (options: EngineOptions): EngineOptions =>
  check("the engine's options", options, ENGINE_OPTIONS);

const requirePath = ({ path }: Pick<LoadRequest, "path">): void => {
  if (path === undefined) throw new InvalidArgumentError("Expected the path of a model but it is missing");
};

/** Checks which model is to be loaded, as far as no model is needed for that. @throws {InvalidArgumentError} */
export const checkLoadRequest = (request: LoadRequest): void =>
  requirePath(check("the model to load", request, LOAD_REQUEST));

/** Likewise for a model that makes vectors, or scores documents. @throws {InvalidArgumentError} */
export const checkLoadEmbedderRequest = (request: LoadEmbedderRequest): void =>
  requirePath(check("the model to load", request, LOAD_EMBEDDER_REQUEST));

/**
 * Checks that a request is one at all; the engine checks what is in it.
 *
 * @param content - what it should have
 * @throws {InvalidArgumentError}
 */
export const checkIsRequest = (request: unknown, content = "prompt and maxTokens"): void => {
  if (isObject(request)) return;
  throw new InvalidArgumentError(`Expected an object with ${content} but received ${kindOf(request)}`);
};
