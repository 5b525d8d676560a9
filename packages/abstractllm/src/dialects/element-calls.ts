import type { ToolSpec } from "../interface/tool.ts";
import { argumentSchema, argumentValue, isTextOnly } from "./argument-value.ts";
import { type ParameterwiseForm, parameterwise } from "./grammar/index.ts";
import { readJson } from "./json-text.ts";
import { ParameterFollower, type ParameterMarks } from "./parameter-follower.ts";
import { type ElementNames, readElements } from "./read-elements.ts";
import type { CallForm, ToolDialect } from "./tool-dialect.ts";
import type { WrittenCall } from "./written-call.ts";

/** Calls each in lines of their own. */
const inLines = (form: ParameterwiseForm): CallForm => ({
  before: "\n",
  call: parameterwise(form),
  between: "\n",
  after: "\n",
});

type ReadValue = ParameterMarks["valueOf"];

/** Texts that the schema makes values of. */
const isText: ParameterMarks["isText"] = ({ name }, tools, tool) =>
  isTextOnly(argumentSchema(tools, tool, name));

const follow =
  (marks: ParameterMarks) =>
  (tools: readonly ToolSpec[]): ParameterFollower =>
    new ParameterFollower(marks, tools);

const qwenValue = bySchema((text) => text.replace(/^\n/, "").replace(/\n$/, ""));

/** Qwen3-Coder: `<tool_call><function=f><parameter=a>1</parameter></function></tool_call>`. */
export const qwen3Coder: ToolDialect = {
  start: "<tool_call>",
  end: "</tool_call>",
  parse: parser(
    { call: "<function", callEnd: "</function>", parameter: "<parameter", parameterEnd: "</parameter>" },
    qwenValue,
  ),
  follow: follow({
    call: /<function=(?<name>[^\s<>]+)>/g,
    callEnd: "</function>",
    parameter: /<parameter=(?<name>[^\s<>]+)>/g,
    parameterEnd: "</parameter>",
    around: "line",
    isText,
    valueOf: qwenValue,
  }),
  held: [
    {
      before: "\n",
      call: parameterwise({
        head: (name) => `<function=${name}>\n`,
        end: "</function>",
        before: "<parameter=",
        between: ">\n",
        after: "\n",
        value: { end: "\n</parameter>", marks: ["</parameter>", "</tool_call>"] },
      }),
      after: "\n",
    },
  ],
};

const trimmedValue = bySchema((text) => text.trim());

/** MiniMax M2: `<minimax:tool_call><invoke name="f"><parameter name="a">1</parameter></invoke></minimax:tool_call>`. */
export const minimaxM2: ToolDialect = {
  start: "<minimax:tool_call>",
  end: "</minimax:tool_call>",
  parse: parser(
    { call: "<invoke", callEnd: "</invoke>", parameter: "<parameter", parameterEnd: "</parameter>" },
    trimmedValue,
  ),
  follow: follow({
    call: /<invoke name="(?<name>[^"]*)">/g,
    callEnd: "</invoke>",
    parameter: /<parameter name="(?<name>[^"]*)">/g,
    parameterEnd: "</parameter>",
    around: "space",
    isText,
    valueOf: trimmedValue,
  }),
  held: [
    inLines({
      head: (name) => `<invoke name="${name}">\n`,
      end: "</invoke>",
      before: '<parameter name="',
      between: '">',
      after: "\n",
      value: { end: "</parameter>", marks: ["</minimax:tool_call>"] },
    }),
  ],
};

const readMiniCpm = parser(
  { call: "<function", callEnd: "</function>", parameter: "<param", parameterEnd: "</param>" },
  bySchema((text) => /^\s*<!\[CDATA\[(.*)\]\]>\s*$/s.exec(text)?.[1] ?? text.trim()),
);

/** MiniCPM5: `<function name="f"><param name="a">1</param></function>` with nothing around it. */
export const miniCpm5: ToolDialect = {
  start: "<function name=",
  end: "</function>",
  parse: (block, tools) =>
    readMiniCpm(block.startsWith("<function") ? block : `<function name=${block}`, tools),
  follow: follow({
    call: /^"(?<name>[^"]*)">/g,
    parameter: /<param name="(?<name>[^"]*)">/g,
    parameterEnd: "</param>",
    around: "space",
    isText,
    valueOf: trimmedValue,
  }),
  held: [
    {
      call: parameterwise({
        head: (name) => `"${name}">`,
        end: "",
        before: '<param name="',
        between: '">',
        after: "",
        value: { end: "</param>", marks: ["</function>", "<![CDATA["] },
      }),
    },
  ],
};

const museValue: ReadValue = ({ name, text }, tools, tool) =>
  argumentValue(text.trim(), argumentSchema(tools, tool, name), "value");

/** Muse Spark: `<atem:function_calls><atem:invoke name="f"><atem:parameter name="a">1</atem:parameter>…`. */
export const museSpark: ToolDialect = {
  start: "<atem:function_calls>",
  end: "</atem:function_calls>",
  parse: parser(
    {
      call: "<atem:invoke",
      callEnd: "</atem:invoke>",
      parameter: "<atem:parameter",
      parameterEnd: "</atem:parameter>",
    },
    museValue,
  ),
  follow: follow({
    call: /<atem:invoke name="(?<name>[^"]*)">/g,
    callEnd: "</atem:invoke>",
    parameter: /<atem:parameter name="(?<name>[^"]*)">/g,
    parameterEnd: "</atem:parameter>",
    around: "space",
    isText,
    valueOf: museValue,
  }),
  held: [
    inLines({
      head: (name) => `<atem:invoke name="${name}">\n`,
      end: "</atem:invoke>",
      before: '<atem:parameter name="',
      between: '">',
      after: "\n",
      value: { end: "</atem:parameter>", marks: ["</atem:function_calls>"] },
    }),
  ],
};

const isString = (head: string): boolean => head.includes('string="true"');
const dsmlValue: ReadValue = ({ head, text }) => (isString(head) ? text : (readJson(text) ?? text));

/** DeepSeek V3.2: elements whose parameters say whether they are strings. */
export const deepSeekDsml: ToolDialect = {
  start: "<｜DSML｜function_calls>",
  end: "</｜DSML｜function_calls>",
  parse: parser(
    {
      call: "<｜DSML｜invoke",
      callEnd: "</｜DSML｜invoke>",
      parameter: "<｜DSML｜parameter",
      parameterEnd: "</｜DSML｜parameter>",
    },
    dsmlValue,
  ),
  follow: follow({
    call: /<｜DSML｜invoke name="(?<name>[^"]*)">/g,
    callEnd: "</｜DSML｜invoke>",
    parameter: /<｜DSML｜parameter name="(?<name>[^"]*)"(?<head>[^>]*)>/g,
    parameterEnd: "</｜DSML｜parameter>",
    around: "nothing",
    isText: ({ head }) => isString(head),
    valueOf: dsmlValue,
  }),
  held: [
    inLines({
      head: (name) => `<｜DSML｜invoke name="${name}">\n`,
      end: "</｜DSML｜invoke>",
      before: '<｜DSML｜parameter name="',
      between: '"',
      after: "\n",
      value: {
        head: (type) => ` string="${type === "string"}">`,
        end: "</｜DSML｜parameter>",
        marks: ["</｜DSML｜function_calls>"],
      },
    }),
  ],
};

function parser(names: ElementNames, read: ReadValue): ToolDialect["parse"] {
  return (block, tools) =>
    readElements(block, names).map(
      ({ name: tool, parameters }): WrittenCall => ({
        name: tool,
        arguments: Object.fromEntries(
          parameters
            .filter(({ name }) => name !== "")
            .map((parameter) => [parameter.name, read(parameter, tools, tool)]),
        ),
      }),
    );
}

/** The value that the schema makes of a text, which is a string where the schema says nothing. */
function bySchema(clean: (text: string) => string): ReadValue {
  return ({ name, text }, tools, tool) => {
    const schema = argumentSchema(tools, tool, name);
    const value = clean(text);
    const typed = argumentValue(value, schema, "text");
    const isUntyped = schema !== undefined && schema.type === undefined && typed === value;
    const structure = isUntyped && /^\s*[[{]/.test(value) ? readJson(value) : undefined;
    return structure ?? typed;
  };
}
