import type { ToolSpec } from "../../interface/tool.ts";
import { type Grammar, optional } from "./grammar.ts";
import { parametersOf } from "./tool-parameters.ts";
import { UnheldSchema } from "./unheld-schema.ts";
import { anyText, type ValueStyle, writtenValue } from "./written-value.ts";

/** How a dialect writes a call one parameter after another. */
export interface ParameterwiseForm {
  /** What stands before the parameters, the tool's name in it. */
  readonly head: (tool: string) => Grammar;
  /** What stands behind them. */
  readonly end: Grammar;
  /** What stands before a parameter's name, between it and the value, and behind that. */
  readonly before: Grammar;
  readonly between: Grammar;
  readonly after: Grammar;
  readonly value: ValueStyle;
}

/** Names that no dialect has to write in another way. */
const NAME = "[^\\s<>=\"'&/]{1,64}";
const IS_NAME = new RegExp(`^${NAME}$`);

/** Calls in such a form: the parameters in the order of the schema. */
export function parameterwise({
  head,
  end,
  before,
  between,
  after,
  value,
}: ParameterwiseForm): (tool: ToolSpec) => Grammar {
  const looseParameter = [
    before,
    { regex: NAME },
    between,
    value.head?.("string") ?? "",
    anyText(value),
    after,
  ];
  return (tool) => {
    if (tool.strict === false) return [head(tool.name), { repeat: looseParameter }, end];
    const parameters = parametersOf(tool).map((parameter): Grammar => {
      if (!IS_NAME.test(parameter.name)) throw new UnheldSchema(tool.name, `the name "${parameter.name}"`);
      const written = [before, parameter.name, between, writtenValue(tool, parameter, value), after];
      return parameter.isRequired ? written : optional(written);
    });
    return [head(tool.name), parameters, end];
  };
}
