import type { ToolSpec } from "../interface/tool.ts";
import { argumentSchema, argumentValue, isTextOnly } from "./argument-value.ts";
import { optional, parameterwise } from "./grammar/index.ts";
import { readJsonCalls } from "./json-calls.ts";
import { isRecord, readJson } from "./json-text.ts";
import { ParameterFollower, type ParameterMarks } from "./parameter-follower.ts";
import { readPython } from "./python-text.ts";
import type { CallForm, ToolDialect } from "./tool-dialect.ts";
import type { WrittenCall } from "./written-call.ts";

/** GLM-4.5 and later, Laguna: `<tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>`. */
export const glm47: ToolDialect = {
  start: "<tool_call>",
  end: "</tool_call>",
  parse: parser(""),
  follow: follower(""),
  held: [pairs("", "</tool_call>")],
};

/** LongCat: the same with names of its own. */
export const longCat: ToolDialect = {
  start: "<longcat_tool_call>",
  end: "</longcat_tool_call>",
  parse: parser("longcat_"),
  follow: follower("longcat_"),
  held: [pairs("longcat_", "</longcat_tool_call>")],
};

/** Some of these models begin a line for each mark, others none. */
function pairs(prefix: string, end: string): CallForm {
  const line = optional("\n");
  const call = parameterwise({
    head: (name) => name,
    end: "",
    before: [line, `<${prefix}arg_key>`],
    between: [`</${prefix}arg_key>`, line, `<${prefix}arg_value>`],
    after: "",
    value: { end: `</${prefix}arg_value>`, marks: [end] },
  });
  return { call, after: line };
}

function parser(prefix: string): ToolDialect["parse"] {
  const key = `<${prefix}arg_key>`;
  const pair = new RegExp(
    `${key}([^<]*)</${prefix}arg_key>(?:\\\\n|\\s)*<${prefix}arg_value>(.*?)</${prefix}arg_value>`,
    "gs",
  );
  return (block, tools) => {
    const name = block.slice(0, Math.max(0, block.indexOf(key))).trim();
    if (name === "") return readOtherForms(block.trim(), tools);
    const pairs = [...block.matchAll(pair)].map(([, argument = "", value = ""]): [string, string] => [
      argument.trim(),
      value.trim(),
    ]);
    return [callOf(name, pairs, tools)];
  };
}

function follower(prefix: string): (tools: readonly ToolSpec[]) => ParameterFollower {
  const marks: ParameterMarks = {
    call: new RegExp(`^\\s*(?<name>[^\\s<]+)\\s*(?=<${prefix}arg_key>)`, "g"),
    parameter: new RegExp(`<${prefix}arg_key>(?<name>[^<]*)</${prefix}arg_key>\\s*<${prefix}arg_value>`, "g"),
    parameterEnd: `</${prefix}arg_value>`,
    around: "space",
    isText: ({ name }, tools, tool) => isTextOnly(argumentSchema(tools, tool, name)),
    valueOf: ({ name, text }, tools, tool) => pairValue(name, text.trim(), { tool, tools }),
  };
  return (tools) => new ParameterFollower(marks, tools);
}

/** @param text - without white space around it */
function pairValue(name: string, text: string, of: { tool: string; tools: readonly ToolSpec[] }): unknown {
  const schema = argumentSchema(of.tools, of.tool, name);
  return schema?.type === "string" ? text : argumentValue(text, schema, "value");
}

function callOf(
  tool: string,
  pairs: readonly (readonly [string, string])[],
  tools: readonly ToolSpec[],
): WrittenCall {
  const values = pairs.map(([name, text]) => [name, pairValue(name, text, { tool, tools })]);
  return { name: tool, arguments: Object.fromEntries(values) };
}

/** JSON, `name` alone, `name {…}` or `name a=1 b=2`, which these models write now and then. */
function readOtherForms(block: string, tools: readonly ToolSpec[]): readonly WrittenCall[] {
  if (block.startsWith("{") || block.startsWith("[")) return readJsonCalls(block);
  const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(block) ?? [];
  if (!tools.some((tool) => tool.name === name)) return [];
  if (rest === "") return [{ name, arguments: {} }];
  const input = readJson(rest) ?? readPython(rest);
  if (isRecord(input)) return [{ name, arguments: input }];
  const pairs = readAssignments(rest);
  return pairs === undefined ? [] : [callOf(name, pairs, tools)];
}

function readAssignments(text: string): [string, string][] | undefined {
  const assignment = /(?<=^|[\s"'])([^\s="']+)=("[^"]*"|'[^']*'|\S*)/g;
  if (text.replace(assignment, "").trim() !== "") return undefined;
  return [...text.matchAll(assignment)].map(([, name = "", value = ""]) => [
    name,
    value.replace(/^(["'])(.*)\1$/s, "$2"),
  ]);
}
