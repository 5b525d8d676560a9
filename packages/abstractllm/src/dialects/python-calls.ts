import type { ToolSpec } from "../interface/tool.ts";
import {
  type Grammar,
  type HeldPart,
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
  return [someOf(parameters), ")"];
}

const argumentOf = ({ name, schema }: ToolParameter): Grammar => [`${name}=`, { jsonSchema: schema }];

/** The arguments in order, a comma between each two; those that are not required may be left out. */
function someOf(parameters: readonly ToolParameter[]): Grammar {
  const behind = (rest: readonly ToolParameter[]): Grammar =>
    rest.map((parameter) => {
      const item = [", ", argumentOf(parameter)];
      return parameter.isRequired ? item : optional(item);
    });
  const required = parameters.findIndex(({ isRequired }) => isRequired);
  const first = parameters[required];
  if (first === undefined) {
    const from = parameters.map((parameter, i) => [argumentOf(parameter), behind(parameters.slice(i + 1))]);
    return { anyOf: [...from, ""] };
  }
  const before = parameters.slice(0, required).map((parameter) => optional([argumentOf(parameter), ", "]));
  return [before, argumentOf(first), behind(parameters.slice(required + 1))];
}
