import type { JsonSchema } from "../../../interface/schema.ts";
import type { ToolChoice, ToolSpec } from "../../../interface/tool.ts";
import { isStrictSchema } from "../is-strict-schema.ts";
import { schemaName } from "../schema-name.ts";
import type { ChatRequest, ChatTool } from "./chat-request.ts";

/** The tools of a request, and which of them must be called; nothing where there are none. */
export function toChatTools(
  tools: readonly ToolSpec[],
  choice: ToolChoice,
): Pick<ChatRequest, "tools" | "tool_choice"> {
  if (tools.length === 0) return {};
  const tool_choice =
    typeof choice === "string" ? choice : { type: "function" as const, function: { name: choice.name } };
  return { tools: tools.map(toChatTool), tool_choice };
}

function toChatTool({ name, description, parameters }: ToolSpec): ChatTool {
  const about = description === undefined ? {} : { description };
  return { type: "function", function: { name, ...about, parameters: { ...parameters } } };
}

/** Holds the answer to a schema, strictly where the schema is of the kind that can be kept strictly. */
export function toResponseFormat(schema: JsonSchema): NonNullable<ChatRequest["response_format"]> {
  const json_schema = { name: schemaName(schema), schema: { ...schema }, strict: isStrictSchema(schema) };
  return { type: "json_schema", json_schema };
}
