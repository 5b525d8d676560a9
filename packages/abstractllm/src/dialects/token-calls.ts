import { readJson, readJsonObject } from "./json-text.ts";
import type { ToolDialect, WrittenCall } from "./tool-dialect.ts";

/** Kimi K2: a section of calls that carry their ids, `functions.f:0`. */
export const kimiK2: ToolDialect = {
  start: "<|tool_calls_section_begin|>",
  end: "<|tool_calls_section_end|>",
  marks: ["<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"],
  parse: (block) =>
    readAll(block.split("<|tool_call_begin|>"), (text) => {
      const [head = "", rest] = text.split("<|tool_call_argument_begin|>");
      const [, id, name] = /^\s*((?:functions\.)?([^\s:]+):\d+)\s*$/.exec(head) ?? [];
      const input = readJsonObject((rest ?? "").split("<|tool_call_end|>")[0] ?? "");
      return id === undefined || name === undefined || input === undefined
        ? undefined
        : { id, name, arguments: input };
    }),
};

/** DeepSeek V3, R1 and V3.1, with the name before or after the separator. */
export const deepSeek: ToolDialect = {
  start: "<｜tool▁calls▁begin｜>",
  end: "<｜tool▁calls▁end｜>",
  marks: ["<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>"],
  parse: (block) =>
    readAll(block.split("<｜tool▁call▁begin｜>"), (text) => {
      const [head = "", rest = ""] = text.split("<｜tool▁sep｜>");
      const body = rest.split("<｜tool▁call▁end｜>")[0] ?? "";
      const [, fencedName, fenced] = /^\s*(\S+)\s*```(?:json)?(.*)```\s*$/s.exec(body) ?? [];
      const name = fencedName ?? head.trim();
      const input = readJsonObject(fenced ?? body);
      return name === "" || input === undefined ? undefined : { name, arguments: input };
    }),
};

const CALL = /<\|open\|>call((?:(?!<\|sep\|>).)*)<\|sep\|>(.*?)<\|close\|>call<\|sep\|>/gs;
const ARGUMENT = /<\|open\|>argument((?:(?!<\|sep\|>).)*)<\|sep\|>(.*?)<\|close\|>argument<\|sep\|>/gs;
const JSON_BLOCK = /<\|open\|>json(?:(?!<\|sep\|>).)*<\|sep\|>(.*?)<\|close\|>json<\|sep\|>/s;

/** Kimi K3: elements made of tokens; a call that is not what it should be is left out, the others count. */
export const kimiK3: ToolDialect = {
  start: "<|open|>tools<|sep|>",
  end: "<|close|>tools<|sep|>",
  marks: ["<|open|>", "<|close|>", "<|sep|>"],
  ignored: ["<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>"],
  parse: (block) =>
    [...block.matchAll(CALL)].flatMap(([, head = "", body = ""]) => {
      const name = readAttributes(head).get("tool");
      const input = readKimiInput(body);
      return name === undefined || name === "" || input === undefined ? [] : [{ name, arguments: input }];
    }),
};

function readKimiInput(body: string): Record<string, unknown> | undefined {
  const json = JSON_BLOCK.exec(body)?.[1];
  if (json !== undefined) return readJsonObject(json);
  const entries = [...body.matchAll(ARGUMENT)].map(([, head = "", text = ""]) => {
    const attributes = readAttributes(head);
    const isText = (attributes.get("type") ?? "string") === "string";
    return [attributes.get("key"), isText ? text : (readJson(text) ?? text)] as const;
  });
  return entries.some(([key]) => key === undefined) ? undefined : Object.fromEntries(entries);
}

function readAttributes(text: string): Map<string, string> {
  const pairs = [...text.matchAll(/(\w+)="([^"]*)"/g)];
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
  const calls = pieces.map(read);
  return calls.some((call) => call === undefined) ? [] : calls.filter((call) => call !== undefined);
}
