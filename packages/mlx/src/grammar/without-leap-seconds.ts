import { isObject } from "../load/is-object.ts";

/** Keywords whose value is data, and those whose value has schemas by name. */
const DATA: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);
const MAPS: ReadonlySet<string> = new Set([
  ...["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"],
]);

/** What keeps the seconds below 60. */
const PATTERNS: Readonly<Record<string, string>> = {
  time: "^..:..:[0-5]",
  "date-time": "^[^:]*:..:[0-5]",
};

/** A copy of a schema whose times have no 60th second: the grammar engine allows one in every minute, RFC 3339 does not. */
export const withoutLeapSeconds = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(withoutLeapSeconds);
  if (!isObject(schema)) return schema;
  const copy: Record<string, unknown> = mapEntries(schema, (value, key) => {
    if (DATA.has(key)) return value;
    return MAPS.has(key) && isObject(value)
      ? mapEntries(value, withoutLeapSeconds)
      : withoutLeapSeconds(value);
  });
  const pattern = typeof copy.format === "string" ? PATTERNS[copy.format] : undefined;
  if (pattern !== undefined) copy.allOf = [...(Array.isArray(copy.allOf) ? copy.allOf : []), { pattern }];
  return copy;
};

const mapEntries = (
  object: Record<string, unknown>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
