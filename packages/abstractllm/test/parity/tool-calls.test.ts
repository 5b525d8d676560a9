import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { dialectOf } from "../../src/dialects/index.ts";
import type { ToolSpec } from "../../src/index.ts";

interface Golden {
  tools: ToolSpec[];
  cases: { dialect: string; text: string; calls: { name: string; arguments: Record<string, unknown> }[] }[];
}

const { tools, cases } = JSON.parse(
  readFileSync(new URL("../goldens/tool-calls.json", import.meta.url), "utf8"),
) as Golden;

describe.each([...new Set(cases.map(({ dialect }) => dialect))])("calls in the dialect %s", (name) => {
  const dialect = dialectOf(name);
  test.each(cases.filter((c) => c.dialect === name))("are those of mlx-lm in $text", ({ text, calls }) => {
    expect(dialect?.parse(text, tools)).toEqual(calls);
  });
});
