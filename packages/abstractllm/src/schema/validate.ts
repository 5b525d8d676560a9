import type { Validator } from "@cfworker/json-schema";
import { InvalidParameterError } from "../errors/index.ts";
import type { JsonSchema, Schema, StandardIssue } from "../interface/schema.ts";
import { isStandardSchema } from "./json-schema-of.ts";

/** A value as its schema gives it (defaults filled in, transformed), or what is wrong with it. */
export type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly string[] };

/** More would fill the model's context and help it no more. */
const MAX_ISSUES = 8;

/** Keywords whose error only says that something further down is wrong. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "properties",
  "items",
  "prefixItems",
  "$ref",
  "allOf",
  "false",
]);

/**
 * Checks a value.
 *
 * @throws {InvalidParameterError} when the JSON Schema itself is broken
 */
export async function validate(schema: Schema, value: unknown): Promise<Validation> {
  if (!isStandardSchema(schema)) return validateJson(schema, value);
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { value: result.value };
  return { issues: result.issues.slice(0, MAX_ISSUES).map(describeIssue) };
}

async function validateJson(schema: JsonSchema, value: unknown): Promise<Validation> {
  const { valid, errors } = await run(schema, value);
  if (valid) return { value };
  const telling = errors.filter(({ keyword }) => !CONTAINERS.has(keyword));
  const issues = (telling.length === 0 ? errors : telling).map(
    ({ instanceLocation, error }) => `${instanceLocation.replace(/^#\/?/, "") || "the value"}: ${error}`,
  );
  return { issues: issues.slice(0, MAX_ISSUES) };
}

async function run(schema: JsonSchema, value: unknown): Promise<ReturnType<Validator["validate"]>> {
  try {
    return (await validatorOf(schema)).validate(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The JSON Schema cannot be used: ${reason}`;
    throw new InvalidParameterError("schema", undefined, message, { cause });
  }
}

const validators = new WeakMap<JsonSchema, Validator>();

async function validatorOf(schema: JsonSchema): Promise<Validator> {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const { Validator } = await import("@cfworker/json-schema"); // when it is first needed
  const validator = new Validator(structuredClone(schema), draftOf(schema), false); // it writes into its schema
  validators.set(schema, validator);
  return validator;
}

/** The draft that `$schema` names; the newest where it names none. */
function draftOf({ $schema }: JsonSchema): "4" | "7" | "2019-09" | "2020-12" {
  const named = /draft-0([467])|draft\/(2019-09)/.exec(String($schema));
  if (named === null) return "2020-12";
  if (named[2] !== undefined) return "2019-09";
  return named[1] === "4" ? "4" : "7";
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
  return `${keys.join("/") || "the value"}: ${message}`;
}
