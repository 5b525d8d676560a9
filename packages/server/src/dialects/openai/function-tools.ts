import {
  type Fields,
  flag,
  HARMLESS,
  type JsonObject,
  nonEmptyText,
  object,
  readValue,
  required,
  text,
} from "../../fields/index.ts";
import type { ReadTool } from "../read-tool.ts";

/** What both of OpenAI's interfaces say about a function. */
export const FUNCTION_RULES = {
  name: required(nonEmptyText),
  description: text,
  parameters: object,
  strict: flag,
} as const;

/** A tool that the client runs. */
export function toTool({ name, description, parameters, strict }: Fields<typeof FUNCTION_RULES>): ReadTool {
  const tool = {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  };
  return { tool, isStrict: strict === true };
}

/** What `json_schema` formats hold. */
export const SCHEMA_RULES = {
  name: HARMLESS,
  description: HARMLESS,
  strict: HARMLESS, // every schema is held to
  schema: required(object),
} as const;

/** Any object, which is what JSON mode asks for. */
export const ANY_OBJECT: JsonObject = { type: "object" };

/** The arguments of an earlier call. @throws {RequestProblem} for a text that is no JSON object */
export function readArguments(
  json: string,
  path: string,
): { arguments: JsonObject; invalidArguments?: string } {
  if (json.trim() === "") return { arguments: {} };
  try {
    return { arguments: readValue(JSON.parse(json), object, path) };
  } catch {
    return { arguments: {}, invalidArguments: json }; // the model is shown what it wrote
  }
}
