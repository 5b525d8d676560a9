import { InvalidParameterError } from "../errors/index.ts";
import type { JsonSchema, Schema, StandardSchema } from "../interface/schema.ts";
import { checkJsonSchema } from "./check-json-schema.ts";

/** True for a schema of a validation library. */
export const isStandardSchema = (schema: Schema): schema is StandardSchema => "~standard" in schema;

/**
 * The JSON Schema that stands for a schema, for models and services.
 *
 * @param option - named in errors, such as `"schema"`
 * @throws {InvalidParameterError} when a JSON Schema is wrong, or a schema's library does not give one, or not for this schema
 */
export function jsonSchemaOf(schema: Schema, option: string): JsonSchema {
  if (!isStandardSchema(schema)) return checked(schema, option);
  const { vendor, jsonSchema } = schema["~standard"];
  if (jsonSchema === undefined) {
    const message = `The ${vendor} schema of ${option} does not give its JSON Schema; take zod 4.2 or later, or give a JSON Schema`;
    throw new InvalidParameterError(option, undefined, message);
  }
  try {
    const { $schema: _, ...rest } = jsonSchema.input({ target: "draft-2020-12" });
    return rest;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The ${vendor} schema of ${option} has no JSON Schema: ${reason}`;
    throw new InvalidParameterError(option, undefined, message, { cause });
  }
}

function checked(schema: JsonSchema, option: string): JsonSchema {
  const problem = checkJsonSchema(schema);
  if (problem === undefined) return schema;
  throw new InvalidParameterError(
    option,
    undefined,
    `The JSON Schema of ${option} cannot be used. ${problem}`,
  );
}
