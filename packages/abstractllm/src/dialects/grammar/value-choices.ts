import type { JsonSchema } from "../../interface/schema.ts";
import { isRecord } from "../json-text.ts";

/** What a schema may describe, of one type; of no type where it says nothing. */
export interface Choice {
  readonly schema: JsonSchema;
  readonly type: string | undefined;
}

/** Keywords that say nothing about a value. */
export const OF_ANY: readonly string[] = [
  ...["title", "description", "default", "examples", "deprecated", "$comment", "$defs", "definitions"],
];

const OF_LITERALS: ReadonlySet<string> = new Set([...OF_ANY, "type", "enum", "const"]);
const OF_CHOICES: ReadonlySet<string> = new Set([...OF_ANY, "anyOf", "oneOf"]);
const OF_STRINGS: ReadonlySet<string> = new Set(["minLength", "maxLength", "pattern", "format"]);

/** @param refuse - throws; told what makes it impossible to say */
export function choicesOf(schema: JsonSchema, refuse: (what: string) => never): Choice[] {
  const { anyOf, oneOf = anyOf, type } = schema;
  if (Array.isArray(oneOf)) {
    const other = Object.keys(schema).find((keyword) => !OF_CHOICES.has(keyword));
    if (other !== undefined) refuse(`"${other}" beside choices`);
    return oneOf.flatMap((one) =>
      isRecord(one) && !("$ref" in one) ? choicesOf(one, refuse) : refuse("a choice"),
    );
  }
  const types = [type].flat().filter(isText);
  const literals = literalsOf(schema);
  if (literals !== undefined) {
    const other = Object.keys(schema).find((keyword) => !OF_LITERALS.has(keyword));
    if (other !== undefined) refuse(`"${other}" beside values`);
    const fits = (value: unknown): boolean =>
      types.length === 0 || typesOf(value).some((one) => types.includes(one));
    return literals.filter(fits).map((value) => ({ schema: { const: value }, type: typesOf(value)[0] }));
  }
  if (types.length === 0 && Object.keys(schema).some((keyword) => !OF_ANY.includes(keyword)))
    refuse("a schema without a type");
  if (types.length === 0) return [{ schema, type: undefined }];
  return types.map((one) => ({ schema: types.length === 1 ? schema : partOf(schema, one), type: one }));
}

/** Of a schema of several types what is about one. */
function partOf(schema: JsonSchema, type: string): JsonSchema {
  const isAbout = (keyword: string): boolean => OF_STRINGS.has(keyword) === (type === "string");
  return { ...Object.fromEntries(Object.entries(schema).filter(([keyword]) => isAbout(keyword))), type };
}

function literalsOf(schema: JsonSchema): readonly unknown[] | undefined {
  if ("const" in schema) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

export const isText = (value: unknown): value is string => typeof value === "string";

/** What a value is, the most general first. */
function typesOf(value: unknown): readonly string[] {
  if (value === null) return ["null"];
  if (Array.isArray(value)) return ["array"];
  return Number.isInteger(value) ? ["number", "integer"] : [typeof value];
}
