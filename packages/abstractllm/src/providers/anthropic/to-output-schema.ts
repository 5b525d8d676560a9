import { isDeepStrictEqual } from "node:util";
import type { JsonSchema } from "../../interface/schema.ts";
import { asArray, asRecord, type JsonRecord } from "../remote/index.ts";

/** Keywords that say what kind of value is meant. */
const KINDS = ["type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"] as const;

/** Keywords that the service takes as they are. Limits of numbers, of lengths and patterns are not among them. */
const KEPT: ReadonlySet<string> = new Set([
  "type",
  "enum",
  "const",
  "$ref",
  "required",
  "title",
  "description",
]);

/** The formats of texts that it knows. */
const FORMATS: ReadonlySet<unknown> = new Set(
  "date-time time date duration email hostname uri ipv4 ipv6 uuid".split(" "),
);

/** A schema as the service can hold answers to it. */
export interface OutputSchema {
  readonly schema: JsonSchema;
  /** It is the user's own; else the answer may break rules that were left out. */
  readonly isWhole: boolean;
}

/**
 * What the service can hold of a schema; undefined where it cannot hold answers to its kind: objects with any
 * properties, values of any type, shapes that contain themselves.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
 */
export function toOutputSchema({ $schema: _, ...given }: JsonSchema): OutputSchema | undefined {
  const { $defs = {}, ...root } = given;
  const mayContainItself = hasReference($defs) || JSON.stringify(root).includes('"$ref":"#"');
  if (given.type !== "object" || mayContainItself || !isHoldable(given)) return undefined;
  const schema = narrow(given);
  return { schema, isWhole: isDeepStrictEqual(schema, given) };
}

const hasReference = (value: unknown): boolean => JSON.stringify(value).includes('"$ref":');

const isOf = ({ type }: JsonRecord, kind: string): boolean => type === kind || asArray(type).includes(kind);

function isHoldable(value: unknown): boolean {
  const schema = asRecord(value);
  const { items, properties, patternProperties, additionalProperties, anyOf, oneOf, allOf, $defs } = schema;
  if (KINDS.every((name) => schema[name] === undefined)) return false;
  const isOpen = patternProperties !== undefined || typeof additionalProperties === "object";
  if (isOf(schema, "object") && (isOpen || properties === undefined)) return false;
  if (isOf(schema, "array") && !isHoldable(items)) return false;
  const lists = [anyOf, oneOf, allOf].flatMap(asArray);
  const shapes = [properties, $defs].flatMap((group) => Object.values(asRecord(group)));
  return [...lists, ...shapes].every(isHoldable);
}

/** The schema without what the service does not know. */
function narrow(value: unknown): Record<string, unknown> {
  const schema = asRecord(value);
  const { items, properties, anyOf, oneOf, allOf, $defs, format, minItems } = schema;
  const parts = {
    anyOf: (anyOf ?? oneOf) && asArray(anyOf ?? oneOf).map(narrow),
    allOf: allOf && asArray(allOf).map(narrow),
    items: items && narrow(items),
    properties: properties && narrowEach(properties),
    $defs: $defs && narrowEach($defs),
    additionalProperties: isOf(schema, "object") ? false : undefined,
    format: FORMATS.has(format) ? format : undefined,
    minItems: minItems === 0 || minItems === 1 ? minItems : undefined,
  };
  const kept = Object.entries(schema).filter(([name]) => KEPT.has(name));
  const known = Object.entries(parts).filter(([, part]) => part !== undefined);
  return Object.fromEntries([...kept, ...known]);
}

const narrowEach = (shapes: unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(asRecord(shapes)).map(([name, shape]) => [name, narrow(shape)]));
