import { isObject } from "../load/is-object.ts";

/** Keywords whose value is data, and those whose value has schemas by name. */
const DATA: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);
const MAPS: ReadonlySet<string> = new Set([
  ...["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"],
]);

/** Formats that the grammar engine holds. */
const FORMATS: ReadonlySet<unknown> = new Set([
  ...["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"],
]);

/** What keeps seconds below 60. */
const SECONDS: Readonly<Record<string, string>> = {
  time: "^..:..:[0-5]",
  "date-time": "^[^:]*:..:[0-5]",
};

/**
 * A schema as the grammar engine holds it exactly: no 60th second, which it takes in every minute, and nothing that
 * says no more than what stands beside it.
 */
export const engineSchema = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(engineSchema);
  if (!isObject(schema)) return schema;
  const copy: Record<string, unknown> = mapEntries(schema, (value, key) => {
    if (DATA.has(key)) return value;
    return MAPS.has(key) && isObject(value) ? mapEntries(value, engineSchema) : engineSchema(value);
  });
  const { format, pattern, propertyNames } = copy;
  // a name such as zod's "nanoid" for what the pattern describes
  if (typeof pattern === "string" && !FORMATS.has(format)) delete copy.format;
  if (isObject(propertyNames) && isStringType(propertyNames)) delete copy.propertyNames; // as all names are
  const seconds = typeof format === "string" ? SECONDS[format] : undefined;
  if (seconds !== undefined) {
    copy.allOf = [...(Array.isArray(copy.allOf) ? copy.allOf : []), { pattern: seconds }];
  }
  return copy;
};

const isStringType = (schema: Record<string, unknown>): boolean =>
  schema.type === "string" && Object.keys(schema).length === 1;

const mapEntries = (
  object: Record<string, unknown>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
