import {
  type JsonObject,
  object,
  oneOf,
  readFields,
  readValue,
  refused,
  required,
} from "../../fields/index.ts";
import { ANY_OBJECT, SCHEMA_RULES } from "./function-tools.ts";

const FORMATS = oneOf("text", "json_object", "json_schema");

/** The schema that a `response_format` asks for, if it asks for one. @throws {RequestProblem} */
export function readFormat(format: JsonObject | undefined): JsonObject | undefined {
  if (format === undefined) return undefined;
  const path = "response_format";
  const type = readValue(format.type, FORMATS, `${path}.type`);
  if (type === "json_schema") {
    const { json_schema } = readFields(format, { type: FORMATS, json_schema: required(object) }, path);
    return readFields(json_schema, SCHEMA_RULES, `${path}.json_schema`).schema;
  }
  readFields(
    format,
    { type: FORMATS, schema: refused("use json_schema"), json_schema: refused("the type is another") },
    path,
  );
  return type === "json_object" ? ANY_OBJECT : undefined;
}
