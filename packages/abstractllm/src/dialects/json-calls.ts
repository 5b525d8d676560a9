import type { ToolSpec } from "../interface/tool.ts";
import { type Grammar, type HeldPart, jsonArguments, optional } from "./grammar/index.ts";
import { JsonFollower } from "./json-follower.ts";
import { endOfJson, endsInString, isRecord, readJson } from "./json-text.ts";
import { barePython } from "./python-calls.ts";
import { readPythonCalls } from "./python-text.ts";
import type { CallForm, ToolDialect } from "./tool-dialect.ts";
import type { WrittenCall } from "./written-call.ts";

/** What small models leave out or add around JSON. */
const BREAK = optional("\n");

/** A call as one JSON object. */
const jsonCall =
  (input: "arguments" | "parameters", last: Grammar = ""): CallForm["call"] =>
  (tool) => [{ regex: `\\{"name": ?"${tool.name}", ?"${input}": ?` }, jsonArguments(tool), last, "}"];

/** Answers that are calls in JSON as a whole; they are taken for such when a known name and the arguments' have come. */
function bareJson(
  tools: readonly ToolSpec[],
  { call, between = "\n", input }: { call: CallForm["call"]; between?: Grammar; input: string },
): HeldPart[] {
  const others = { repeat: [between, { anyOf: tools.map(call) }] };
  return tools.flatMap((tool) => {
    const grammar = [optional(" "), jsonArguments(tool), "}", others];
    const heads = [`{"name": "${tool.name}", "${input}":`, `{"name":"${tool.name}","${input}":`];
    return heads.map((start) => ({ start, grammar, isFirst: true, isLast: true }));
  });
}

/** What a call begins with up to its arguments. */
const jsonHead = (input: "arguments" | "parameters"): RegExp =>
  new RegExp(`\\{"name": ?"(?<name>[^"\\\\]+)", ?"${input}": ?(?=\\{)`, "g");

/** Follows answers that `bareJson` describes: the first call has to be spelled as there, others need not. */
function followBareJson(tools: readonly ToolSpec[], input: "arguments" | "parameters"): JsonFollower {
  const names = tools.map(({ name }) => name).join("|"); // of letters, digits, "_" and "-"
  const first = `^\\s*\\{"name":(?<space> ?)"(?<name>${names})",\\k<space>"${input}": ?(?=\\{)`;
  return new JsonFollower({ first: new RegExp(first, "g"), heads: [jsonHead(input)] });
}

/** Hermes, Qwen 2.5 and 3, and most others: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`. */
export const jsonTools: ToolDialect = {
  start: "<tool_call>",
  end: "</tool_call>",
  parse: readJsonCalls,
  isOpen: endsInString,
  follow: () => new JsonFollower({ heads: [jsonHead("arguments")] }),
  held: [{ before: BREAK, call: jsonCall("arguments"), after: BREAK }],
};

/** What models without a dialect of their own are told to write; they often leave out the tags. */
export const promptedJson: ToolDialect = {
  ...jsonTools,
  bare: /^(?:```(?:json)?\s*)?[[{]/,
  heldBare: (tools) => bareJson(tools, { call: jsonCall("arguments"), input: "arguments" }),
  followBare: (tools) => followBareJson(tools, "arguments"),
  parse: (block) =>
    readJsonCalls(
      block
        .trim()
        .replace(/^```(?:json)?/, "")
        .replace(/```$/, ""),
    ),
};

const LLAMA_SEPARATOR: Grammar = { anyOf: ["; ", ";", ", ", "\n"] };

/** Llama 3: JSON after `<|python_tag|>`, or as the whole answer; small ones write Python calls. */
export const llama3: ToolDialect = {
  start: "<|python_tag|>",
  bare: /^(?:\{\s*"(?:name|type|function)|\[\s*[A-Za-z_][\w.]*\()/,
  held: [{ call: jsonCall("parameters"), between: LLAMA_SEPARATOR }],
  heldBare: (tools) => [
    ...bareJson(tools, { call: jsonCall("parameters"), between: LLAMA_SEPARATOR, input: "parameters" }),
    ...barePython(tools),
  ],
  follow: () => new JsonFollower({ heads: [jsonHead("parameters")] }),
  followBare: (tools) => followBareJson(tools, "parameters"),
  forcedStart: "",
  parse: (block) => {
    const [, name, query] = /^\s*([\w-]+)\.call\((.*)\)\s*$/s.exec(block) ?? [];
    if (name !== undefined) return readPythonCalls(`[${name}(${query})]`);
    const calls = readJsonCalls(block);
    return calls.length > 0 ? calls : readPythonCalls(block);
  },
};

const MISTRAL_HEAD = /(?<![\w-])(?<name>[\w-]+)(?:\[CALL_ID\](?<id>\w+))?\[ARGS\](?=\{)/g;

/** Mistral: a list of calls, or `name[ARGS]{…}` one after another; words after the last call are dropped. */
export const mistral: ToolDialect = {
  start: "[TOOL_CALLS]",
  marks: ["[ARGS]", "[CALL_ID]"],
  held: [
    {
      before: { anyOf: ["[", " ["] },
      call: jsonCall("arguments", optional({ regex: ', ?"id": ?"[0-9A-Za-z]{9}"' })),
      between: { anyOf: [", ", ","] },
      after: "]",
    },
    {
      call: (tool) => [
        tool.name,
        optional(["[CALL_ID]", { regex: "[0-9A-Za-z]{9}" }]),
        "[ARGS]",
        jsonArguments(tool),
      ],
      between: optional("[TOOL_CALLS]"),
    },
  ],
  follow: () => new JsonFollower({ heads: [jsonHead("arguments"), MISTRAL_HEAD] }),
  parse: (block) => {
    const list = readJson(block.trim());
    return Array.isArray(list) ? readJsonCalls(block) : readHeadedCalls(block);
  },
};

/** The calls in JSON: one, a list, or several values with nothing but separators between them. */
export function readJsonCalls(text: string): readonly WrittenCall[] {
  const calls: WrittenCall[] = [];
  let at = 0;
  for (;;) {
    const [gap = ""] = /^[\s;,]*/.exec(text.slice(at)) ?? [];
    at += gap.length;
    if (at === text.length) return calls;
    const end = "[{".includes(text.charAt(at)) ? endOfJson(text, at) : undefined;
    if (end === undefined) return [];
    const values = [readJson(text.slice(at, end))].flat();
    const found = values.map(readJsonCall).filter((call) => call !== undefined);
    if (found.length < values.length) return [];
    calls.push(...found);
    at = end;
  }
}

function readJsonCall(value: unknown): WrittenCall | undefined {
  if (!isRecord(value)) return undefined;
  const inner = [value.function, value.tool].find(isRecord) ?? value;
  const name = [inner.name, inner.function, inner.tool].find((candidate) => typeof candidate === "string");
  const given = inner.arguments ?? inner.parameters ?? {};
  const input = typeof given === "string" ? readJson(given) : given;
  if (typeof name !== "string" || !isRecord(input)) return undefined;
  return { name, arguments: input, ...(typeof value.id === "string" ? { id: value.id } : {}) };
}

function readHeadedCalls(text: string): WrittenCall[] {
  const calls: WrittenCall[] = [];
  const header = /(?<![\w-])([\w-]+)\s*(?:\[CALL_ID\]\s*(\w+)\s*)?\[ARGS\]\s*/g;
  for (let head = header.exec(text); head !== null; head = header.exec(text)) {
    const end = endOfJson(text, header.lastIndex);
    const input = end === undefined ? undefined : readJson(text.slice(header.lastIndex, end));
    const [, name, id] = head;
    if (end === undefined || name === undefined || !isRecord(input)) return [];
    calls.push({ name, arguments: input, ...(id === undefined ? {} : { id }) });
    header.lastIndex = end;
  }
  return calls;
}
