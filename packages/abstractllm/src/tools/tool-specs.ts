import type { Options } from "../config/option-table.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { JsonSchema } from "../interface/schema.ts";
import type { Tool, ToolSpec } from "../interface/tool.ts";
import { jsonSchemaOf } from "../schema/index.ts";
import { checkTool } from "./check-tool.ts";

const NO_PARAMETERS: JsonSchema = { type: "object", properties: {} };

/**
 * The tools that a call's options name, as providers send them.
 *
 * @throws {InvalidParameterError} for a bad tool, two of one name, or a `toolChoice` that is not among them
 */
export function toolSpecs({ tools = [], toolChoice }: Options, provider: string): ToolSpec[] {
  const refuse = (option: string, message: string) =>
    new InvalidParameterError(option, undefined, message, { provider });
  const names = new Set<string>();
  for (const tool of tools) {
    const problem = checkTool(tool);
    if (problem !== undefined) throw refuse("tools", problem);
    if (names.has(tool.name)) throw refuse("tools", `Two tools have the name "${tool.name}"`);
    names.add(tool.name);
  }
  if (toolChoice === "required" && names.size === 0) {
    throw refuse("toolChoice", 'toolChoice is "required", but there are no tools');
  }
  if (typeof toolChoice === "object" && !names.has(toolChoice.name)) {
    throw refuse(
      "toolChoice",
      `toolChoice names the tool "${toolChoice.name}", which is not among the tools`,
    );
  }
  return tools.map((tool) => specOf(tool, provider));
}

function specOf({ name, description, parameters, strict }: Tool, provider: string): ToolSpec {
  const schema =
    parameters === undefined ? NO_PARAMETERS : jsonSchemaOf(parameters, `the parameters of tool "${name}"`);
  if (schema.type !== "object") {
    const message = `The parameters of tool "${name}" must be an object: a schema of type "object"`;
    throw new InvalidParameterError("tools", undefined, message, { provider });
  }
  return {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: schema,
    ...(strict === false ? { strict } : {}),
  };
}
