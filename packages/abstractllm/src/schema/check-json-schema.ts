import { describeValue } from "../config/describe-value.ts";
import { JSON_TYPES } from "./json-types.ts";

/** Deeper ones, and those that hold themselves, could not be sent or walked (CWE-674). */
const MAX_DEPTH = 256;

interface Expectation {
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);

const type: Expectation = {
  expected: `one of ${[...JSON_TYPES].map((name) => JSON.stringify(name)).join(", ")}, or array of them`,
  accepts: (value) =>
    Array.isArray(value)
      ? value.length > 0 && value.every((name) => JSON_TYPES.has(name))
      : JSON_TYPES.has(value),
};
const values: Expectation = { expected: "array", accepts: Array.isArray };
const names: Expectation = {
  expected: "array of strings",
  accepts: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
};
const count: Expectation = {
  expected: "integer of at least 0",
  accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const number: Expectation = { expected: "finite number", accepts: isNumber };
const bound: Expectation = {
  expected: "finite number",
  accepts: (value) => isNumber(value) || typeof value === "boolean", // a boolean in draft 4
};
const pattern: Expectation = {
  expected: "regular expression of JavaScript's Unicode mode",
  accepts: (value) => typeof value === "string" && isPattern(value),
};

/** What values of keywords must be. Unknown keywords say nothing. */
const VALUES: Readonly<Record<string, Expectation>> = {
  type,
  enum: values,
  required: names,
  pattern,
  minimum: number,
  maximum: number,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: number,
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  minProperties: count,
  maxProperties: count,
};

/** Keywords with a schema, a list of them, or schemas by name. */
const ONE: ReadonlySet<string> = new Set([
  "additionalItems",
  "additionalProperties",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
const LIST: ReadonlySet<string> = new Set(["allOf", "anyOf", "items", "oneOf", "prefixItems"]);
const MAP: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);

/** What is wrong with a JSON Schema, and where: what no validator could use. Undefined when nothing is. */
export function checkJsonSchema(root: object): string | undefined {
  const references: { path: string; reference: string }[] = [];
  const anchors = new Set<unknown>();
  let hasIds = false;

  const check = (schema: unknown, path: string, depth: number): string | undefined => {
    if (typeof schema === "boolean") return undefined;
    if (!isObject(schema) || Array.isArray(schema))
      return wrong(path, "a schema (object or boolean)", schema);
    if (depth > MAX_DEPTH) return `It is nested more than ${MAX_DEPTH} levels deep, or holds itself`;
    for (const [keyword, value] of Object.entries(schema)) {
      const problem = checkKeyword(keyword, value, `${path}/${keyword}`, depth + 1);
      if (problem !== undefined) return problem;
    }
    const { $id, id, $anchor, $dynamicAnchor, $ref } = schema;
    if (typeof $id === "string" || typeof id === "string") hasIds = true;
    anchors.add($anchor).add($dynamicAnchor);
    if (typeof $ref === "string") references.push({ path: `${path}/$ref`, reference: $ref });
    return undefined;
  };

  const checkKeyword = (keyword: string, value: unknown, path: string, depth: number): string | undefined => {
    const expectation = Object.hasOwn(VALUES, keyword) ? VALUES[keyword] : undefined;
    if (expectation?.accepts(value) === false) return wrong(path, expectation.expected, value);
    if (LIST.has(keyword) && Array.isArray(value)) {
      return first(value.entries(), ([index, item]) => check(item, `${path}/${index}`, depth));
    }
    if (ONE.has(keyword)) return check(value, path, depth);
    if (LIST.has(keyword)) return wrong(path, "array of schemas", value);
    if (!MAP.has(keyword)) return undefined;
    if (!isObject(value) || Array.isArray(value)) return wrong(path, "object of schemas", value);
    return first(Object.entries(value), ([name, item]) =>
      keyword === "patternProperties" && !isPattern(name)
        ? wrong(path, `${pattern.expected} as every name`, name)
        : check(item, `${path}/${name}`, depth),
    );
  };

  const problem = check(root, "", 0);
  if (problem !== undefined || hasIds) return problem; // with ids, references have other bases
  const lost = references.find(({ reference }) => !isThere(root, anchors, reference));
  return (
    lost && wrong(lost.path, "a reference to what the schema holds, such as #/$defs/name", lost.reference)
  );
}

/** Whether a reference within the schema leads somewhere. */
function isThere(root: object, anchors: ReadonlySet<unknown>, reference: string): boolean {
  if (!reference.startsWith("#")) return false;
  if (reference === "#") return true;
  if (!reference.startsWith("#/")) return anchors.has(reference.slice(1));
  const steps = reference.slice(2).split("/").map(unescapeStep);
  const found = steps.reduce<unknown>(
    (value, step) => (isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined),
    root,
  );
  return found !== undefined;
}

/** One step of a JSON pointer in a URI's fragment. @see RFC 6901, section 6 */
function unescapeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step; // a lone "%"
  }
}

const wrong = (path: string, expected: string, received: unknown): string =>
  `Expected ${expected} at ${path === "" ? "its root" : `#${path}`} but received ${describeValue(received)}`;

/** Lists count, as references may lead into them. */
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, "u") instanceof RegExp; // as the validator reads it
  } catch {
    return false;
  }
}

function first<T>(items: Iterable<T>, problemOf: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const problem = problemOf(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
