import type { JsonSchema } from "../../interface/schema.ts";
import type { ToolSpec } from "../../interface/tool.ts";
import { isRecord } from "../json-text.ts";
import type { Grammar } from "./grammar.ts";
import { UnheldSchema } from "./unheld-schema.ts";

/** The arguments of a tool as JSON. */
export const jsonArguments = ({ strict, parameters }: ToolSpec): Grammar => ({
  jsonSchema: strict === false ? { type: "object" } : parameters,
});

/** One parameter of a tool. */
export interface ToolParameter {
  readonly name: string;
  readonly isRequired: boolean;
  /** With the definitions that its references are to. */
  readonly schema: JsonSchema;
  /** The schema that its references lead to. */
  readonly resolved: JsonSchema;
}

/** Keywords of an object whose members are named one by one, and those that say nothing about it. */
const PLAIN: ReadonlySet<string> = new Set([
  ...["type", "properties", "required", "additionalProperties", "$defs", "definitions"],
  ...["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"],
]);

/** References to references end somewhere, unless they go round. */
const MAX_REFERENCES = 32;

/**
 * The parameters of a tool, for dialects that write them one by one.
 *
 * @throws {UnheldSchema} when it takes others than those that it names, or says more about them together
 */
export function parametersOf({ name: tool, parameters }: ToolSpec): ToolParameter[] {
  const other = Object.keys(parameters).find((keyword) => !PLAIN.has(keyword));
  if (other !== undefined) throw new UnheldSchema(tool, `"${other}"`);
  const { properties = {}, required = [], additionalProperties = false } = parameters;
  if (additionalProperties !== false) throw new UnheldSchema(tool, '"additionalProperties"');
  const shared = definitionsOf(parameters);
  const names = new Set(Array.isArray(required) ? required : []);
  const found = Object.entries(isRecord(properties) ? properties : {}).map(([name, given]) => {
    if (given === false) throw new UnheldSchema(tool, `"${name}"`);
    const schema = isRecord(given) ? given : {};
    const isRequired = names.delete(name);
    return { name, isRequired, schema: { ...shared, ...schema }, resolved: resolve(schema, parameters) };
  });
  const [unnamed] = names;
  if (unnamed !== undefined) throw new UnheldSchema(tool, `"${unnamed}", which is required`);
  return found;
}

/** What references in a schema are to. */
export function definitionsOf({ $defs, definitions }: JsonSchema): JsonSchema {
  return { ...(isRecord($defs) && { $defs }), ...(isRecord(definitions) && { definitions }) };
}

/** The schema that references within a tool's parameters lead to; `schema` itself where they lead nowhere. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let resolved = schema;
  for (let i = 0; typeof resolved.$ref === "string" && i < MAX_REFERENCES; i++) {
    const { $ref, ...others } = resolved;
    const target = find(root, String($ref));
    if (target === undefined) return schema;
    resolved = { ...target, ...others };
  }
  return resolved;
}

function find(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (!reference.startsWith("#")) return undefined;
  let place: unknown = root;
  for (const step of reference.split("/").slice(1)) {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    place = isRecord(place) && Object.hasOwn(place, key) ? place[key] : undefined;
  }
  return isRecord(place) ? place : undefined;
}
