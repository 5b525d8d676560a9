import type { ToolSpec } from "../interface/tool.ts";
import {
  type Grammar,
  type HeldPart,
  inOrder,
  listOf,
  optional,
  parametersOf,
  type ToolParameter,
  UnheldSchema,
} from "./grammar/index.ts";
import { readPythonCalls } from "./python-text.ts";
import type { ToolDialect } from "./tool-dialect.ts";

/** LFM2 and others: `<|tool_call_start|>[f(a=1), g(b="x")]<|tool_call_end|>`. */
export const pythonic: ToolDialect = {
  start: "<|tool_call_start|>",
  end: "<|tool_call_end|>",
  parse: (block) => {
    const start = block.indexOf("[");
    return start < 0 ? [] : readPythonCalls(block.slice(start, block.lastIndexOf("]") + 1));
  },
  held: [{ before: "[", call: (tool) => [`${nameOf(tool)}(`, restOfCall(tool)], between: ", ", after: "]" }],
};

/** Answers that are a list of calls as a whole. */
export function barePython(tools: readonly ToolSpec[]): HeldPart[] {
  const callable = tools.filter(isCallable);
  const others = { repeat: [", ", { anyOf: callable.map((tool) => [`${tool.name}(`, restOfCall(tool)]) }] };
  return callable.map((tool) => ({
    start: `[${tool.name}(`,
    grammar: [restOfCall(tool), others, "]"],
    isFirst: true,
    isLast: true,
  }));
}

const NAME = /^[A-Za-z_]\w*$/;

/** What Python can call by its name. */
function isCallable(tool: ToolSpec): boolean {
  try {
    restOfCall(tool);
    return NAME.test(tool.name);
  } catch (error) {
    if (error instanceof UnheldSchema) return false;
    throw error;
  }
}

function nameOf({ name }: ToolSpec): string {
  if (NAME.test(name)) return name;
  throw new UnheldSchema(name, `the name "${name}" and others with "-"`);
}

/** JSON's values are read beside Python's, and say the same in one way only. */
function restOfCall(tool: ToolSpec): Grammar {
  if (tool.strict === false) {
    const argument: Grammar = [{ regex: "[A-Za-z_][0-9A-Za-z_]*=" }, { jsonSchema: {} }];
    return [optional(listOf(argument, ", ")), ")"];
  }
  const parameters = parametersOf(tool);
  const odd = parameters.find(({ name }) => !NAME.test(name));
  if (odd !== undefined) throw new UnheldSchema(tool.name, `the name "${odd.name}"`);
  const members = parameters.map((parameter) => ({ ...parameter, written: argumentOf(parameter) }));
  return [inOrder(members, ", "), ")"];
}

/** A text in Python's usual quotes. */
const QUOTED: Grammar = { regex: "'(?:[^'\\\\\\x00-\\x1f]|\\\\[\\\\'nt])*'" };

function argumentOf({ name, schema, resolved }: ToolParameter): Grammar {
  const isAnyText =
    resolved.type === "string" && Object.keys(resolved).every((keyword) => SAYS_NOTHING.has(keyword));
  const json: Grammar = { jsonSchema: schema };
  return [`${name}=`, isAnyText ? { anyOf: [json, QUOTED] } : json];
}

const SAYS_NOTHING: ReadonlySet<string> = new Set(["type", "title", "description", "default", "examples"]);
