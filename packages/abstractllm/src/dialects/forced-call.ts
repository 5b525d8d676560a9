import type { JsonSchema } from "../interface/schema.ts";
import type { ToolSpec } from "../interface/tool.ts";
import { dialectOf } from "./dialect-table.ts";

/** An answer that is a tool call, for an engine that can hold a model to it. */
interface ForcedCall {
  /** What stands before and after the call. */
  readonly prefix: string;
  readonly suffix: string;
  readonly jsonSchema: JsonSchema;
}

/** A call of one of the tools as a dialect writes it; undefined where that is not JSON. */
export function forcedCall(dialect: string, tools: readonly ToolSpec[]): ForcedCall | undefined {
  const form = dialectOf(dialect)?.json;
  if (form === undefined || tools.length === 0) return undefined;
  const { prefix, suffix, input } = form;
  const anyOf = tools.map((tool, i) => callSchema(tool, input, `#/anyOf/${i}/properties/${input}`));
  return { prefix, suffix, jsonSchema: { anyOf } };
}

function callSchema({ name, parameters }: ToolSpec, input: string, place: string): JsonSchema {
  return {
    type: "object",
    properties: { name: { const: name }, [input]: moved(parameters, place) },
    required: ["name", input],
    additionalProperties: false,
  };
}

/** Keywords whose value is data. */
const DATA: ReadonlySet<string> = new Set(["const", "default", "enum", "examples"]);

/** A schema whose references to its own parts still find them where it stands now. */
function moved<T>(schema: T, place: string): T;
function moved(schema: unknown, place: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => moved(item, place));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => {
    const isOwn = key === "$ref" && typeof value === "string" && value.startsWith("#");
    if (isOwn) return [key, `${place}${value.slice(1)}`];
    return [key, DATA.has(key) ? value : moved(value, place)];
  });
  return Object.fromEntries(entries);
}
