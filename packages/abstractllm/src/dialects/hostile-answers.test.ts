import { describe, expect, test } from "vitest";
import { createAnswerReader, marksOf } from "./answer-reader.ts";
import { DIALECT_NAMES, dialectOf } from "./dialect-table.ts";

/** Models fall into loops, and services send what they like: no answer may hold up the program that reads it. */
const CHARACTERS = 60_000;
/** What is linear takes a few milliseconds, what is quadratic tens of seconds. */
const LIMIT_MS = 3000;

const TOOLS = [{ name: "f", parameters: { type: "object", properties: { a: { type: "string" } } } }];
const PIECES = ['"', '\\"', "{", "[", "(", "'''", "`", "a", "1", "a=", "a ", " ", "\n", 'a"=', "f(", "-"];
const ELEMENTS = [
  "<parameter=a>",
  '<invoke name="f">',
  "<arg_key>",
  "a[ARGS]",
  "[CALL_ID]",
  "call:f{",
  "</f>",
];
const BEGINNINGS = [
  "",
  "f\n",
  '{"name":"f","arguments":{"a":"',
  "[f(a='",
  "f\n```json\n",
  "call:f{",
  "f.call(",
];

describe.each([...DIALECT_NAMES, "harmony"])("an answer in the dialect %s that repeats itself", (dialect) => {
  const { start = "<|channel|>commentary to=f<|message|>", end = "" } = dialectOf(dialect) ?? {};
  const units = [...new Set([...marksOf({ dialect, tools: TOOLS }), ...PIECES, ...ELEMENTS])];
  const texts = units.flatMap((unit) => {
    const body = unit.repeat(Math.ceil(CHARACTERS / unit.length));
    return [
      body,
      ...BEGINNINGS.flatMap((beginning) => [
        `${start}${beginning}${body}`,
        `${start}${beginning}${body}!${end}`,
      ]),
    ];
  });

  test("is read at once", { timeout: 120_000 }, () => {
    const slow: string[] = [];
    for (const text of texts) {
      const reader = createAnswerReader({ dialect, tools: TOOLS, usedIds: new Set(), emit: () => {} });
      const { user } = process.cpuUsage();
      reader.push(text);
      reader.end(false);
      const spentMs = process.cpuUsage({ user, system: 0 }).user / 1000;
      if (spentMs > LIMIT_MS) slow.push(`${text.slice(0, 100)}: ${spentMs} ms`);
    }
    expect(slow).toEqual([]);
  });
});
