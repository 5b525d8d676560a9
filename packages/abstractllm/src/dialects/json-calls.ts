import { endOfJson, endsInString, isRecord, readJson } from "./json-text.ts";
import { readPythonCalls } from "./python-text.ts";
import type { ToolDialect, WrittenCall } from "./tool-dialect.ts";

/** Hermes, Qwen 2.5 and 3, and most others: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`. */
export const jsonTools: ToolDialect = {
  start: "<tool_call>",
  end: "</tool_call>",
  parse: readJsonCalls,
  isOpen: endsInString,
  json: { prefix: "<tool_call>\n", suffix: "\n</tool_call>", input: "arguments" },
};

/** What models without a dialect of their own are told to write; they often leave out the tags. */
export const promptedJson: ToolDialect = {
  ...jsonTools,
  bare: /^(?:```(?:json)?\s*)?[[{]/,
  parse: (block) =>
    readJsonCalls(
      block
        .trim()
        .replace(/^```(?:json)?/, "")
        .replace(/```$/, ""),
    ),
};

/** Llama 3: JSON after `<|python_tag|>`, or as the whole answer; small ones write Python calls. */
export const llama3: ToolDialect = {
  start: "<|python_tag|>",
  bare: /^(?:\{\s*"(?:name|type|function)|\[\s*[A-Za-z_][\w.]*\()/,
  json: { prefix: "", suffix: "", input: "parameters" },
  parse: (block) => {
    const [, name, query] = /^\s*([\w-]+)\.call\((.*)\)\s*$/s.exec(block) ?? [];
    if (name !== undefined) return readPythonCalls(`[${name}(${query})]`);
    const calls = readJsonCalls(block);
    return calls.length > 0 ? calls : readPythonCalls(block);
  },
};

/** LFM2 and others: `<|tool_call_start|>[f(a=1), g(b="x")]<|tool_call_end|>`. */
export const pythonic: ToolDialect = {
  start: "<|tool_call_start|>",
  end: "<|tool_call_end|>",
  parse: (block) => {
    const start = block.indexOf("[");
    return start < 0 ? [] : readPythonCalls(block.slice(start, block.lastIndexOf("]") + 1));
  },
};

/** Mistral: a list of calls, or `name[ARGS]{…}` one after another; words after the last call are dropped. */
export const mistral: ToolDialect = {
  start: "[TOOL_CALLS]",
  marks: ["[ARGS]", "[CALL_ID]"],
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
