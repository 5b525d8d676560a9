import { jsonArguments, optional, parameterwise } from "./grammar/index.ts";
import { JsonFollower } from "./json-follower.ts";
import { endsInString, readJson, readJsonObject, splitOutsideStrings } from "./json-text.ts";
import { ParameterFollower, type ParameterMarks } from "./parameter-follower.ts";
import type { ToolDialect } from "./tool-dialect.ts";
import type { WrittenCall } from "./written-call.ts";

const FENCE = "```";

const KIMI_HEAD =
  /<\|tool_call_begin\|>(?<id>functions\.(?<name>[\w-]+):\d+)<\|tool_call_argument_begin\|>(?=\{)/g;

/** Kimi K2: a section of calls that carry their ids, `functions.f:0`. */
export const kimiK2: ToolDialect = {
  start: "<|tool_calls_section_begin|>",
  end: "<|tool_calls_section_end|>",
  isOpen: endsInString,
  follow: () => new JsonFollower({ heads: [KIMI_HEAD] }),
  marks: ["<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"],
  held: [
    {
      call: (tool) => [
        `<|tool_call_begin|>functions.${tool.name}:`,
        { regex: "[0-9]{1,4}" },
        "<|tool_call_argument_begin|>",
        jsonArguments(tool),
        "<|tool_call_end|>",
      ],
      between: "",
    },
  ],
  parse: (block) =>
    readAll(splitOutsideStrings(block, "<|tool_call_begin|>"), (text) => {
      const [head = "", rest = ""] = splitOutsideStrings(text, "<|tool_call_argument_begin|>");
      const [, id, name] = /^\s*((?:functions\.)?([^\s:]+):\d+)\s*$/.exec(head) ?? [];
      const input = readJsonObject(splitOutsideStrings(rest, "<|tool_call_end|>")[0] ?? "");
      return id === undefined || name === undefined || input === undefined
        ? undefined
        : { id, name, arguments: input };
    }),
};

const DEEP_SEEK_HEADS: readonly RegExp[] = [
  /<｜tool▁call▁begin｜>(?<name>[\w-]+)<｜tool▁sep｜>(?=\{)/g,
  /<｜tool▁call▁begin｜>function<｜tool▁sep｜>(?<name>[\w-]+)\n```json\n(?=\{)/g,
];

/** DeepSeek V3, R1 and V3.1, with the name before or after the separator. */
export const deepSeek: ToolDialect = {
  start: "<｜tool▁calls▁begin｜>",
  end: "<｜tool▁calls▁end｜>",
  isOpen: endsInString,
  follow: () => new JsonFollower({ heads: DEEP_SEEK_HEADS }),
  marks: ["<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"],
  held: [
    {
      call: (tool) => [
        `<｜tool▁call▁begin｜>${tool.name}<｜tool▁sep｜>`,
        jsonArguments(tool),
        "<｜tool▁call▁end｜>",
      ],
      between: "",
    },
    {
      call: (tool) => [
        `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${tool.name}\n${FENCE}json\n`,
        jsonArguments(tool),
        `\n${FENCE}<｜tool▁call▁end｜>`,
      ],
      between: optional("\n"),
    },
  ],
  parse: (block) =>
    readAll(splitOutsideStrings(block, "<｜tool▁call▁begin｜>"), (text) => {
      const [head = "", rest = ""] = splitOutsideStrings(text, "<｜tool▁sep｜>");
      const body = splitOutsideStrings(rest, "<｜tool▁call▁end｜>")[0] ?? "";
      const fenced = readFenced(body.trim());
      const name = fenced?.name ?? head.trim();
      const input = readJsonObject(fenced?.text ?? body);
      return name === "" || input === undefined ? undefined : { name, arguments: input };
    }),
};

/** A name and a block of code after it, and nothing else. */
function readFenced(text: string): { readonly name: string; readonly text: string } | undefined {
  const start = text.indexOf(FENCE);
  const name = text.slice(0, Math.max(0, start)).trim();
  const isWhole = text.endsWith(FENCE) && text.length >= start + 2 * FENCE.length;
  if (!isWhole || !/^\S+$/.test(name)) return undefined;
  return { name, text: text.slice(start + FENCE.length, -FENCE.length).replace(/^json/, "") };
}

const kimiCall = parameterwise({
  head: (name) => [`<|open|>call tool="${name}"`, optional({ regex: ' index="[0-9]{1,3}"' }), "<|sep|>"],
  end: "<|close|>call<|sep|>",
  before: '<|open|>argument key="',
  between: '"',
  after: "",
  value: {
    head: (type) => ` type="${type === "integer" ? "number" : type}"<|sep|>`,
    end: "<|close|>argument<|sep|>",
    marks: ["<|open|>", "<|close|>"],
  },
});

const isString = (head: string): boolean => head.includes('type="string"');

const KIMI_MARKS: ParameterMarks = {
  call: /<\|open\|>call tool="(?<name>[^"]*)"[^<]*<\|sep\|>/g,
  callEnd: "<|close|>call<|sep|>",
  parameter: /<\|open\|>argument key="(?<name>[^"]*)"(?<head>[^<]*)<\|sep\|>/g,
  parameterEnd: "<|close|>argument<|sep|>",
  around: "nothing",
  isText: ({ head }) => isString(head),
  valueOf: ({ head, text }) => (isString(head) ? text : (readJson(text) ?? text)),
};

/** Kimi K3: elements made of tokens; a call that is not what it should be is left out, the others count. */
export const kimiK3: ToolDialect = {
  start: "<|open|>tools<|sep|>",
  end: "<|close|>tools<|sep|>",
  marks: ["<|open|>", "<|close|>", "<|sep|>"],
  ignored: ["<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>"],
  held: [{ call: kimiCall, between: "" }],
  follow: (tools) => new ParameterFollower(KIMI_MARKS, tools),
  parse: (block) =>
    readTokenElements(block, "call").flatMap(({ head, body }) => {
      const name = readAttributes(head).get("tool");
      const input = readKimiInput(body);
      return name === undefined || name === "" || input === undefined ? [] : [{ name, arguments: input }];
    }),
};

function readKimiInput(body: string): Record<string, unknown> | undefined {
  const [json] = readTokenElements(body, "json");
  if (json !== undefined) return readJsonObject(json.body);
  const entries = readTokenElements(body, "argument").map(({ head, body: text }) => {
    const attributes = readAttributes(head);
    const isText = (attributes.get("type") ?? "string") === "string";
    return [attributes.get("key"), isText ? text : (readJson(text) ?? text)] as const;
  });
  return entries.some(([key]) => key === undefined) ? undefined : Object.fromEntries(entries);
}

/** Elements `<|open|>kind head<|sep|>body<|close|>kind<|sep|>`. */
function readTokenElements(text: string, kind: string): { readonly head: string; readonly body: string }[] {
  const [open, separator, close] = [`<|open|>${kind}`, "<|sep|>", `<|close|>${kind}<|sep|>`];
  const elements: { head: string; body: string }[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf(open, at);
    const middle = start < 0 ? -1 : text.indexOf(separator, start);
    const end = middle < 0 ? -1 : text.indexOf(close, middle + separator.length);
    if (end < 0) return elements;
    const body = text.slice(middle + separator.length, end);
    elements.push({ head: text.slice(start + open.length, middle), body });
    at = end + close.length;
  }
}

function readAttributes(text: string): Map<string, string> {
  const pairs = [...text.matchAll(/(?<!\w)(\w+)="([^"]*)"/g)];
  return new Map(
    pairs.map(([, name = "", value = ""]) => [
      name,
      value.replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
    ]),
  );
}

/** Every call, or none where one of them is not what it should be. The first piece is what stood before the first. */
function readAll(
  [first = "", ...others]: readonly string[],
  read: (text: string) => WrittenCall | undefined,
): readonly WrittenCall[] {
  const pieces = first.trim() === "" ? others : [first, ...others];
  const calls: WrittenCall[] = [];
  for (const piece of pieces) {
    const call = read(piece);
    if (call === undefined) return [];
    calls.push(call);
  }
  return calls;
}
