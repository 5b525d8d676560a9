import type { JsonSchema } from "../interface/schema.ts";
import type { ToolSpec } from "../interface/tool.ts";
import { JSON_TYPES } from "../schema/json-types.ts";
import { resolve } from "./grammar/index.ts";
import { isRecord, readJson } from "./json-text.ts";
import { readPython } from "./python-text.ts";

/** The schema of one argument of a tool. */
export function argumentSchema(
  tools: readonly ToolSpec[],
  tool: string,
  argument: string,
): JsonSchema | undefined {
  const { parameters = {} } = tools.find(({ name }) => name === tool) ?? {};
  const { properties } = parameters;
  if (!isRecord(properties) || !Object.hasOwn(properties, argument)) return undefined;
  const schema = properties[argument];
  return isRecord(schema) ? resolve(schema, parameters) : undefined;
}

/**
 * The value that an argument's text stands for, where calls are written without quotes around strings.
 *
 * @param schema - says whether `5` is a number or a text
 * @param untyped - what a text becomes where the schema does not tell: itself, or the value it looks like
 */
export function argumentValue(
  text: string,
  schema: JsonSchema | undefined,
  untyped: "text" | "value",
): unknown {
  if (text.trim().toLowerCase() === "null") return null;
  const types = typesOf(schema);
  if (types.size === 0) return untyped === "text" ? text : (readValue(text) ?? text);
  return typed(text, types) ?? text;
}

/** Whether an argument is a text, whatever is written, unless that is `null`. */
export const isTextOnly = (schema: JsonSchema | undefined): boolean =>
  schema?.type === "string" && typesOf(schema).size === 1;

/** A value of one of the types, the most specific first. */
function typed(text: string, types: ReadonlySet<string>): unknown {
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (types.has("integer") && Number.isInteger(number)) return number;
  if (types.has("number") && Number.isFinite(number)) return number;
  const word = text.trim().toLowerCase();
  if (types.has("boolean") && (word === "true" || word === "false")) return word === "true";
  const value = types.has("object") || types.has("array") ? readValue(text) : undefined;
  if (types.has("object") && isRecord(value)) return value;
  if (types.has("array") && Array.isArray(value)) return value;
  return undefined;
}

/** JSON, or Python where a model falls back into it. */
const readValue = (text: string): unknown => readJson(text) ?? readPython(text);

function typesOf(schema: unknown): ReadonlySet<string> {
  if (!isRecord(schema)) return new Set();
  const choices = [schema.anyOf, schema.oneOf, schema.allOf].flat().flatMap((choice) => [...typesOf(choice)]);
  const values = [schema.enum, "const" in schema ? [schema.const] : []].flat().map(typeOfValue);
  return new Set([schema.type, values, choices].flat().filter((type) => JSON_TYPES.has(type)) as string[]);
}

function typeOfValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}
